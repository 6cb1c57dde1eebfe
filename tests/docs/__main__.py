"""`make docs-reference`: write the generated pages of docs/reference/, and refresh the samples of output."""

from __future__ import annotations

from tests.docs import PAGES, samples

for path, page in PAGES.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(), encoding="utf-8")
    print(path)
samples.refresh()
