"""A real Kubernetes cluster in Docker containers: nothing of it is simulated."""
