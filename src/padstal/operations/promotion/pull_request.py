"""The pull request of a promotion: opened once, whatever is run again."""

from collections.abc import Mapping

from padstal.reporting.github import GitHub

NEEDED = ("GITHUB_REPOSITORY", "GITHUB_TOKEN")


def forge_of(environment: Mapping[str, str]) -> GitHub:
    """GitHub, as the environment names it.

    Raises:
        ValueError: It does not.
    """
    missing = [name for name in NEEDED if not environment.get(name)]
    if missing:
        raise ValueError(f"promote.pull_request is github, but {' and '.join(missing)} is not set; set it, or `none`")
    api = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(api, environment["GITHUB_REPOSITORY"], environment["GITHUB_TOKEN"])


def ensure(forge: GitHub, branch: str, base: str, title: str, body: str) -> tuple[int, bool]:
    """(number, whether it is new) of the pull request from `branch` to `base`; one that was closed counts too.

    Raises:
        GitHubError: GitHub cannot be asked, or refuses.
    """
    owner = forge.repository.partition("/")[0]
    found = [one["number"] for one in forge.pages("pulls", state="all", head=f"{owner}:{branch}", base=base)]
    if found:
        return max(found), False
    made = forge.send("POST", "pulls", {"title": title, "head": branch, "base": base, "body": body[:60_000]})
    return made["number"], True
