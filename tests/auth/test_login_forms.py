"""A login takes JSON or OAuth2's form, and repeats nothing of a body that is neither."""

import pytest

from tests.auth.conftest import PASSWORD, Browser

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def test_a_form_of_oauth2_signs_in(browser: Browser) -> None:
    fields = {"grant_type": "password", "username": browser.email, "password": PASSWORD, "scope": ""}
    assert browser.post("/auth/login", data=fields).status_code == 200


@pytest.mark.parametrize("before", ["", " \n"])
def test_json_that_is_said_to_be_a_form_is_refused_by_its_header_and_not_repeated(
    browser: Browser, before: str
) -> None:
    body = f'{before}{{"email": "{browser.email}", "password": "{PASSWORD}"}}'
    reply = browser.post("/auth/login", content=body, headers=FORM)
    assert (reply.status_code, reply.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert "`Content-Type: application/json`" in reply.json()["detail"]
    assert PASSWORD not in reply.text


@pytest.mark.parametrize("body", [PASSWORD, f"username=a&{PASSWORD}=1", f"[{PASSWORD}]", f"password:{PASSWORD}"])
def test_an_unknown_name_in_a_form_is_refused_and_not_repeated(browser: Browser, body: str) -> None:
    reply = browser.post("/auth/login", content=body, headers=FORM)
    assert (reply.status_code, reply.json()["code"]) == (422, "MALFORMED")
    assert "has a field besides username and password" in reply.json()["detail"]
    assert "horse" not in reply.text
