"""Who may come in, and what may be asked, over a real socket."""

import http.client
import re
import time
from urllib.parse import urlencode, urlsplit

import pytest

from dlrsd.runtime.base.errors import InputError
from dlrsd.runtime.service.page.config import PageConfig
from dlrsd.runtime.service.page.tokens import Tokens, new_token
from tests.runtime.service.page.served import served


def ask(address, path="/", method="GET", body=None, **headers):
    """(status, headers, text); header names with _ for -."""
    there = urlsplit(address)
    connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def post(address, path, fields, **headers):
    there = urlsplit(address)
    own = {"Origin": address, "Host": there.netloc, "Accept": "application/json"}
    own |= {"Content-Type": "application/x-www-form-urlencoded"} | headers
    return ask(address, path, "POST", urlencode(fields), **own)


def form_key(address, path="/", **headers):
    _, _, text = ask(address, path, Accept="text/html", **headers)
    return re.search(r'name="form-key" content="([0-9a-f]{64})"', text)[1]


@pytest.fixture(scope="module")
def here():
    """The page as it is by default: for this computer."""
    with served() as (address, plant):
        yield address, plant


@pytest.fixture
def guarded(tmp_path):
    """The page with a token to look and one to act."""
    look, first = new_token("view", "Wall panel")
    act, second = new_token("operate", "A. Weber")
    (tmp_path / "tokens").write_text(f"# who\n{first}\n\n{second}\n")
    with served(tokens=str(tmp_path / "tokens")) as (address, plant):
        yield address, plant, look, act


def test_every_answer_tells_the_browser_to_load_nothing_foreign(here):
    address, _ = here
    for path in ("/", "/static/page.css", "/nothing", "/api/machines"):
        _, headers, _ = ask(address, path)
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == ("no-cache" if "static" in path else "no-store")
        assert "server" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(here, host):
    assert ask(here[0], "/api/machines", Host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8765", "LOCALHOST"])
def test_names_of_this_computer_are_served(here, host):
    assert ask(here[0], "/api/machines", Host=host)[0] == 200


def test_what_changes_something_wants_the_forms_key(here):
    address, plant = here
    key = form_key(address)
    fields = {"alarm": "01J-0001"}
    assert post(address, "/acknowledge", fields)[0] == 403
    assert post(address, "/acknowledge", fields | {"form_key": "0" * 64})[0] == 403
    assert post(address, "/acknowledge", fields | {"form_key": "é"})[0] == 403
    assert plant.kept.alarm("01J-0001").acknowledged_by is None
    said = post(address, "/acknowledge", fields | {"form_key": key, "by": " A.  Weber "})
    assert said[0] == 200
    assert "Acknowledged by A. Weber." in said[2]
    assert plant.kept.alarm("01J-0001").acknowledged_by == "A. Weber"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_a_foreign_page_changes_nothing_even_with_the_key(here, headers):
    address, plant = here
    fields = {"machine": "Pump 1", "rule": "zone", "hours": "8", "form_key": form_key(address)}
    assert post(address, "/shelve", fields, **headers)[0] == 403
    assert plant.kept.alarm("01J-0000").shelved_until is None


def test_only_forms_of_a_bounded_size_are_taken(here):
    address, _ = here
    assert post(address, "/acknowledge", {"alarm": "x" * 20_000})[0] == 413
    assert ask(address, "/acknowledge", "POST", "{}", Content_Type="application/json")[0] == 415
    assert ask(address, "/acknowledge", "DELETE")[0] == 405
    there = urlsplit(address)
    connection = http.client.HTTPConnection(there.hostname, there.port, timeout=30)
    connection.request("POST", "/shelve", iter([b"a=1&"] * 20_000), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    assert connection.getresponse().status == 413
    connection.close()


def test_without_a_token_there_is_nothing_but_the_log_in(guarded):
    address, _, look, _ = guarded
    status, headers, _ = ask(address, "/machine?name=Pump%201", Accept="text/html")
    assert (status, headers["location"]) == (303, "/login?next=%2Fmachine%3Fname%3DPump%25201")
    for path in ("/api/machines", "/api/alarms", "/metrics", "/told"):
        status, headers, text = ask(address, path)
        assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
        assert "Pump" not in text
    assert ask(address, "/api/machines", Authorization=f"Bearer {look}")[0] == 200
    assert ask(address, "/metrics", Authorization=f"bearer {look}")[0] == 200
    wrong = look[:-1] + ("A" if look[-1] != "A" else "B")
    assert ask(address, "/api/machines", Authorization=f"Bearer {wrong}")[0] == 401


def test_who_may_look_may_not_act(guarded):
    address, plant, look, act = guarded
    fields = {"alarm": "01J-0000"}
    assert post(address, "/acknowledge", fields, Authorization=f"Bearer {look}")[0] == 403
    assert plant.kept.alarm("01J-0000").acknowledged_by is None
    assert post(address, "/acknowledge", fields, Authorization=f"Bearer {act}")[0] == 200
    assert plant.kept.alarm("01J-0000").acknowledged_by == "A. Weber"


def test_a_session_begins_with_a_token_and_ends_with_the_log_out(guarded):
    address, plant, _, act = guarded
    status, headers, _ = post(address, "/login", {"token": f" {act} ", "next": "/alarms"})
    assert (status, headers["location"]) == (303, "/alarms")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    mine = cookie.partition(";")[0]
    assert act not in mine
    assert ask(address, "/api/machines", Cookie=mine)[0] == 200
    # By the name on the token, whatever a form says; and only with this session's key.
    fields = {"alarm": "01J-0000", "by": "somebody else"}
    assert post(address, "/acknowledge", fields, Cookie=mine)[0] == 403
    key = form_key(address, Cookie=mine)
    assert post(address, "/acknowledge", fields | {"form_key": key}, Cookie=mine)[0] == 200
    assert plant.kept.alarm("01J-0000").acknowledged_by == "A. Weber"
    assert post(address, "/logout", {"form_key": key}, Cookie=mine)[0] == 303
    assert ask(address, "/api/machines", Cookie=mine)[0] == 401


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil", "/a\r\nb"])
def test_the_log_in_leads_nowhere_else(guarded, after):
    address, _, look, _ = guarded
    assert post(address, "/login", {"token": look, "next": after})[1]["location"] == "/"


def test_wrong_tokens_run_out(guarded):
    address, _, look, _ = guarded
    tried = [post(address, "/login", {"token": "dlrsd-00000000-" + "x" * 43})[0] for _ in range(7)]
    assert tried == [403] * 5 + [429] * 2
    status, headers, _ = post(address, "/login", {"token": look})
    assert status == 429
    assert int(headers["retry-after"]) > 0


def test_wrong_tokens_of_programs_run_out_too(guarded):
    address, _, look, _ = guarded
    for _ in range(5):
        assert ask(address, "/api/machines", Authorization="Bearer nothing")[0] == 401
    assert ask(address, "/api/machines", Authorization=f"Bearer {look}")[0] == 429


def test_too_many_requests_are_told_to_wait():
    with served() as (address, _):
        answers = [ask(address, "/static/icon.svg")[0] for _ in range(500)]
    assert answers[:300] == [200] * 300
    assert 429 in answers


def test_behind_a_proxy_tries_are_counted_by_who_is_behind_it(tmp_path):
    _, line = new_token("view", "Panel")
    (tmp_path / "tokens").write_text(line)
    with served(tokens=str(tmp_path / "tokens"), behind_proxy=True) as (address, _):

        def wrong(hops):
            return post(address, "/login", {"token": "no"}, X_Forwarded_For=hops)[0]

        # What a client writes itself stands before what the proxy adds.
        assert [wrong(f"10.0.0.{i}, 192.0.2.1") for i in range(6)][-1] == 429
        assert wrong("192.0.2.1, 192.0.2.2") == 403


def test_a_changed_file_of_tokens_counts_at_once(tmp_path):
    path = tmp_path / "tokens"
    first, line = new_token("view", "Panel")
    second, other = new_token("operate", "Vera 🙂")
    path.write_text(line)
    tokens = Tokens(path)
    assert tokens.holder(first).role == "view"
    assert tokens.holder(second) is None
    path.write_text(other + "\n")
    assert tokens.holder(first) is None
    assert tokens.holder(second).name == "Vera 🙂"
    path.write_text("broken, as half-written")
    assert tokens.holder(second).role == "operate"


def test_a_token_is_kept_as_its_hash_alone():
    token, line = new_token("view", "Panel")
    assert token.rpartition("-")[2] not in line
    assert re.fullmatch(r"[0-9a-f]{8} view scrypt:[0-9a-f]{32}:[0-9a-f]{64} Panel", line)
    assert new_token("view", "Panel")[0] != token


@pytest.mark.parametrize("name", ["", " a", "two\nlines", "x" * 65, "bell\a"])
def test_names_that_would_break_the_file_are_refused(name):
    with pytest.raises(InputError, match="expected 1 to 64 characters"):
        new_token("view", name)


def test_a_line_that_is_no_tokens_is_told_by_its_number_alone(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"{new_token('view', 'a')[1]}\nmy-secret-password\n")
    with pytest.raises(InputError, match="line 2 of") as caught:
        Tokens(path)
    assert "my-secret" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        Tokens(tmp_path / "none")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"host": "0.0.0.0"}, "wants tokens"),
        ({"host": "192.168.1.5", "tokens": "t"}, "wants TLS"),
        ({"behind_proxy": True}, "wants tokens"),
        ({"tls_key": "k"}, "go together"),
    ],
)
def test_the_page_is_not_opened_to_a_network_by_mistake(config, why):
    with pytest.raises(ValueError, match=why):
        PageConfig(**config)


def test_this_computer_alone_wants_nothing():
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.9"):
        assert not PageConfig(host=host).encrypted
    PageConfig(host="0.0.0.0", tokens="t", behind_proxy=True)


def test_no_secret_and_no_query_reach_the_log(guarded, caplog):
    address, plant, look, _ = guarded
    caplog.set_level("DEBUG")
    plant.machines = lambda: 1 / 0
    asked = {"Authorization": f"Bearer {look}", "Accept": "text/html"}
    status, headers, text = ask(address, "/?secret=mine", **asked)
    assert (status, "ZeroDivision" in text) == (500, False)
    assert headers["content-security-policy"].startswith("default-src 'none'")
    deadline = time.monotonic() + 10
    while "the page at / failed" not in caplog.text and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "the page at / failed" in caplog.text
    assert "secret=mine" not in caplog.text
    assert look not in caplog.text
