module orchestrator.test/pause

go 1.24
