"""Security scans of code, history, dependencies, images and clusters, behind one gate (`make scan`, docs/security-scan.md)."""
