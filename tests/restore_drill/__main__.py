"""`make restore-drill`: backups taken under load are restored beside, and compared with what was acknowledged and when."""

from tests.resilience.stage import PLAIN, staged
from tests.restore_drill import dump, point_in_time

WRITES = 1000  # before the backup, between it and the moment, and after that


def main() -> None:
    with staged(PLAIN) as stage:
        for drill in (dump.drill, point_in_time.drill):
            with drill(stage, WRITES) as report:
                print(report.check(), flush=True)


if __name__ == "__main__":
    main()
