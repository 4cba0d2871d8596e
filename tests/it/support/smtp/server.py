"""A mail server for the tests, by aiosmtpd: prints its port, then each mail that it took as a line of JSON.

Arguments: how the line is encrypted (starttls, implicit, plain), certificate and key, and a user with a password that
it asks for, or "-". A mailbox "later-N" is refused for now N times, "never" for good.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    def __init__(self):
        self.put_off = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        mailbox = address.split("@")[0]
        if mailbox.startswith("later-"):
            times = self.put_off.get(mailbox, int(mailbox.removeprefix("later-")))
            if times > 0:
                self.put_off[mailbox] = times - 1
                return f"450 4.2.1 {address} is busy"
        if mailbox == "never":
            return f"550 5.1.1 {address} is nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in letter.walk() if not part.is_multipart()}
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None,
            "user": getattr(session, "auth_data", None) is not None,
            "headers": [[name, str(value)] for name, value in letter.items()],
            "raw": envelope.content.decode("utf-8", "replace"),
            "text": parts.get("text/plain", ""),
            "html": parts.get("text/html", ""),
        }), flush=True)
        return "250 OK"


def authenticator(user, password):
    def judge(server, session, envelope, mechanism, shown):
        right = isinstance(shown, LoginPassword) and (shown.login, shown.password) == (user.encode(), password.encode())
        return AuthResult(success=right, auth_data=user if right else None, handled=right)

    return judge


async def main():
    encrypted, certificate, key, user, password = sys.argv[1:6]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    more = {"hostname": "localhost", "enable_SMTPUTF8": True}
    if encrypted == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    if user != "-":
        more |= {"authenticator": authenticator(user, password), "auth_required": True}
        more |= {"auth_require_tls": encrypted == "starttls"}
    handler = Handler()
    loop = asyncio.get_running_loop()
    wrapped = context if encrypted == "implicit" else None
    server = await loop.create_server(lambda: SMTP(handler, loop=loop, **more), "127.0.0.1", 0, ssl=wrapped)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
