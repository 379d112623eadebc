"""What a run prints as it goes: a line for each measurement."""

from collections.abc import Mapping

from loadtest.scenario import Measurement

HEAD = f"""{"":48}{"accepted":>10}{"p50":>9}{"p99":>9}   CPU µs a request: gateway + server{"generator":>14}{"MiB before":>12}
{"":48}{"a second":>10}{"ms":>9}{"ms":>9}   {"+ PostgreSQL":34}{"CPU":>14}{"→ peak":>12}  errors"""


def line(title: str, measured: Measurement) -> str:
    cpu = " + ".join(f"{each:,.0f}" for each in measured.cpu.values())
    memory = f"{measured.resident_before:.0f} → {measured.resident_peak:.0f}"
    return (
        f"{title:48}{measured.rate:10,.1f}{_figure(measured.p50)}{_figure(measured.p99)}   {f'{cpu} = {measured.cpu_in_all:,.0f}':34}"
        f"{measured.generator_cpu:14.0%}{memory:>12}  {_listed(measured.errors)}"
    )


def _figure(value: float | None) -> str:
    return f"{'–' if value is None else format(value, ',.2f'):>9}"  # noqa: RUF001


def _listed(errors: Mapping[str, int]) -> str:
    return ", ".join(f"{outcome}: {count:,}" for outcome, count in sorted(errors.items())) or "none"
