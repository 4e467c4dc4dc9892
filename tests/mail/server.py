"""A real mail server (aiosmtpd) that keeps what it takes in a folder and misbehaves as the file `mode` in that folder says."""

import asyncio
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, certificate, key, whole = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "smtps"
name, password = b"records", b"right horse"
greeted = set()


def note(what):
    with open(folder / "log", "a", encoding="utf-8") as log:
        log.write(what + "\n")


def authenticate(server, session, envelope, mechanism, data):
    right = (data.login, data.password) == (name, password)
    note(f"auth {mechanism} {'right' if right else 'wrong'}")
    # Not handled: the server says so itself.
    return AuthResult(success=right, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        mode = (folder / "mode").read_text()
        if mode == "grey" and address not in greeted:
            greeted.add(address)
            return "451 4.7.1 Greylisted, come back later"
        if mode == "refuse":
            return "550 5.1.1 No such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mode = (folder / "mode").read_text()
        number = len(list(folder.glob("*.eml")))
        about = {"to": envelope.rcpt_tos, "from": envelope.mail_from, "tls": session.ssl is not None or whole, "signed_in": session.authenticated}
        (folder / f"{number:04}.json").write_text(json.dumps(about))
        unfinished = folder / f"{number:04}.part"
        unfinished.write_bytes(envelope.content)
        unfinished.rename(folder / f"{number:04}.eml")
        if mode == "drop":
            server.transport.abort()
        if mode == "hang":
            await asyncio.sleep(600)
        return "250 OK"


async def serve():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    own = {"hostname": "localhost", "authenticator": authenticate, "auth_required": True}
    own.update({"auth_require_tls": False} if whole else {"tls_context": tls, "require_starttls": True})
    listening = await asyncio.get_running_loop().create_server(lambda: SMTP(Handler(), **own), "127.0.0.1", 0, ssl=tls if whole else None)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


asyncio.run(serve())
