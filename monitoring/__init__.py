"""What watches the service: objectives, alerts and dashboards, and a Prometheus on this machine to try them with."""
