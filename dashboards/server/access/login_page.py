"""The log-in page: one form, both languages at once, no script. All that is put in is escaped."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from aiohttp import web

from dashboards.server.words import ERROR_WORDS

STYLE: Final = (Path(__file__).resolve().parents[2] / "web" / "login.css").read_bytes()

# Says that a page of ours has just led on, so that nobody is led in circles.
BOUNCED: Final = "dongbo-led-on"
_BOUNCED_S: Final = 10
_PAGE: Final = """<!doctype html>
<html lang="vi">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>Đăng nhập · Log in · Đồng Bộ</title>
  <link rel="icon" href="/web/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/login/style.css">
</head>
<body>
  <main>
    <h1><img src="/web/icon.svg" alt="" width="36" height="36">Đồng Bộ</h1>
    <p class="what">Theo dõi hồ sơ hành chính toàn thành phố
      <span lang="en">Monitoring of the city's administrative dossiers</span></p>
{error}{oidc}{form}  </main>
</body>
</html>
"""
_ERROR: Final = """    <p class="error" role="alert" id="error">{vi}<span lang="en">{en}</span></p>
"""
_OIDC: Final = """    <a class="button" href="/login/oidc?next={next}">Đăng nhập bằng tài khoản thành phố
      <span lang="en">Log in with the city's account</span></a>
"""
_FORM: Final = """    <form method="post" action="/login">
      <label for="token">Mã truy cập <span lang="en">Access token</span></label>
      <input id="token" name="token" type="password" required autocomplete="current-password"
             spellcheck="false" maxlength="500"{described}>
      <input type="hidden" name="form" value="{sealed}">
      <input type="hidden" name="next" value="{next}">
      <button type="submit">Đăng nhập <span lang="en">Log in</span></button>
    </form>
"""
_BOUNCE: Final = """<!doctype html>
<html lang="vi">
<head>
  <meta charset="utf-8">
  <meta http-equiv="refresh" content="0;url={url}">
  <title>Đồng Bộ</title>
</head>
<body><p><a href="{url}">Tiếp tục · <span lang="en">Continue</span></a></p></body>
</html>
"""


def login_page(*, sealed: str, next_: str, oidc: bool, code: str = "", status: int = 200) -> web.Response:
    """The page; `code` says in both languages what went wrong before."""
    words = ERROR_WORDS.get(code)
    body = _PAGE.format(
        error=_ERROR.format(vi=escape(words.vi), en=escape(words.en)) if words else "",
        oidc=_OIDC.format(next=quote(next_, safe="")) if oidc else "",
        form=_FORM.format(
            sealed=escape(sealed),
            next=escape(next_),
            described=' aria-describedby="error" aria-invalid="true"' if words else " autofocus",
        ),
    )
    return _html(body, status)


def bounce(url: str) -> web.Response:
    """A page that goes on by itself to `url`, as a visit from ourselves.

    A browser that comes from another site does not send a SameSite=Strict cookie, not even after redirects.
    It does when a page of ours leads it on.
    """
    response = _html(_BOUNCE.format(url=escape(url)))
    response.set_cookie(BOUNCED, "1", max_age=_BOUNCED_S, path="/", httponly=True, samesite="Lax")
    return response


def _html(body: str, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=body, status=status, content_type="text/html", headers=headers)
