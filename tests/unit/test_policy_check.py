"""`python -m shared.policy check` refuses what the app would refuse."""

from pathlib import Path

import pytest

from shared.policy import check
from tests.fakes.policies import TEXT


def written(folder: Path, *texts: str) -> list[Path]:
    files = [folder / f"{number}.yaml" for number, _ in enumerate(texts)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text, encoding="utf-8")
    return files


def test_a_sound_policy_is_counted_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = written(tmp_path, TEXT)
    assert check([file], {}) == 0
    assert capsys.readouterr().out == f"{file}: orders: 4 signals, 3 triggers\n"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        pytest.param(TEXT, "workload orders has a policy already; expected one each", id="one workload"),
        pytest.param(
            TEXT.replace("workload: orders", "workload: shop"),
            "site.resource is guarded as workload orders already; expected one policy each",
            id="one site",
        ),
        pytest.param("workload: [", "", id="no policy"),
    ],
)
def test_what_the_app_would_refuse_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], second: str, said: str
) -> None:
    files = written(tmp_path, TEXT, second)
    assert check(files, {}) == 1
    assert said in capsys.readouterr().out.splitlines()[-1]
