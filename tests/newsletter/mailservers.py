"""A POP3 and an IMAP server over real sockets, with as much of RFC 1939 and RFC 3501 as our reading asks for.

`with PopServer([mail, …]) as server:`; `server.mails` are those still there when everybody has gone. `tls`, a
context, makes them offer STARTTLS, or with `immediate=True` speak TLS from the first byte.
"""

import re
import socketserver
import ssl
import threading
from collections.abc import Sequence

PASSWORD = "correct horse"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False  # the end waits for every conversation
    allow_reuse_address = True
    scheme = ""
    session: type["_Session"]

    def __init__(self, mails: Sequence[bytes] = (), *, tls: ssl.SSLContext | None = None, immediate: bool = False):
        super().__init__(("127.0.0.1", 0), self.session)
        self.mails: dict[int, bytes] = dict(enumerate((mail.replace(b"\n", b"\r\n") for mail in mails), 1))
        self.flags: dict[int, set[str]] = {number: set() for number in self.mails}
        self.tls, self.immediate = tls, immediate
        self.said: list[str] = []  # by the client, without passwords
        self.uidplus = True
        self.hangs_up_at = ""  # the command at which the connection is cut

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def url(self) -> str:
        scheme = self.scheme + ("s" if self.immediate else "")
        return f"{scheme}://bounce%40picum.example:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/"

    def handle_error(self, request, client_address) -> None:
        """A client that hangs up is none."""

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *exc) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    server: _Server
    greeting = ""

    def handle(self) -> None:
        self.secret = False
        if self.server.immediate:
            self.secure()
        self.say(self.greeting)
        while line := self.rfile.readline():
            words = line.decode().split()
            self.server.said.append(" ".join(words))
            if self.server.hangs_up_at and self.server.hangs_up_at in line.decode():
                return
            if not self.answer(words):
                return

    def finish(self) -> None:
        super().finish()
        if self.secret:
            self.request.close()

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def secure(self) -> None:
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
        self.secret = True

    def answer(self, words: list[str]) -> bool:
        raise NotImplementedError


class _PopSession(_Session):
    greeting = "+OK ready"

    def handle(self) -> None:
        self.deleted: set[int] = set()
        super().handle()

    def answer(self, words: list[str]) -> bool:
        command, mails = words[0].upper(), self.server.mails
        if command == "STLS" and self.server.tls:
            self.say("+OK go ahead")
            self.secure()
        elif command == "CAPA":
            self.say("+OK\r\nSTLS\r\n." if self.server.tls else "+OK\r\nUSER\r\n.")
        elif command == "PASS":
            self.server.said[-1] = "PASS"
            self.say("+OK" if " ".join(words[1:]) == PASSWORD else "-ERR [AUTH] wrong password")
        elif command == "LIST":
            rows = [f"{number} {len(mail)}" for number, mail in sorted(mails.items())]
            self.say("\r\n".join(["+OK", *rows, "."]))
        elif command == "RETR":
            lines = mails[int(words[1])].split(b"\r\n")
            stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
            self.wfile.write(b"+OK\r\n" + stuffed + b"\r\n.\r\n")
            self.wfile.flush()
        elif command == "DELE":
            self.deleted.add(int(words[1]))
            self.say("+OK")
        elif command == "QUIT":
            for number in self.deleted:
                mails.pop(number, None)
            self.say("+OK bye")
            return False
        else:
            self.say("+OK" if command == "USER" else "-ERR what?")
        return True


class PopServer(_Server):
    scheme, session = "pop3", _PopSession


class _ImapSession(_Session):
    greeting = "* OK ready"

    def answer(self, words: list[str]) -> bool:
        tag, command, rest = words[0], words[1].upper(), words[2:]
        if command == "UID":
            command, rest = f"UID {rest[0].upper()}", rest[1:]
        if command == "LOGIN":
            self.server.said[-1] = "LOGIN"
            password = " ".join(rest[1:]).strip('"')
            self.say(f"{tag} OK in" if password == PASSWORD else f"{tag} NO [AUTHENTICATIONFAILED] Wrong password")
        elif command == "STARTTLS" and self.server.tls:
            self.say(f"{tag} OK begin")
            self.secure()
        elif command == "SELECT" and rest[0] != '"INBOX"':
            self.say(f"{tag} NO [NONEXISTENT] No such folder")
        elif command == "LOGOUT":
            self.say(f"* BYE\r\n{tag} OK")
            return False
        else:
            getattr(self, command.lower().replace(" ", "_"), lambda rest: None)(rest)
            self.say(f"{tag} OK done")
        return True

    def capability(self, rest) -> None:
        offered = " STARTTLS" if self.server.tls and not self.secret else ""
        self.say(f"* CAPABILITY IMAP4rev1{' UIDPLUS' if self.server.uidplus else ''}{offered}")

    def select(self, rest) -> None:
        self.say(f"* {len(self.server.mails)} EXISTS")

    def uid_search(self, rest) -> None:
        assert rest == ["UNSEEN", "UNDELETED"]
        found = [uid for uid in sorted(self.server.mails) if not self.server.flags[uid] & {"\\Seen", "\\Deleted"}]
        self.say(" ".join(["* SEARCH", *map(str, found)]))

    def uid_fetch(self, rest) -> None:
        uid = int(rest[0])
        most = int(re.fullmatch(r"\(BODY\.PEEK\[\]<0\.(\d+)>\)", rest[1])[1])
        if mail := self.server.mails.get(uid):
            mail = mail[:most]
            self.wfile.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%s)\r\n" % (uid, len(mail), mail))

    def uid_store(self, rest) -> None:
        self.server.flags[int(rest[0])].add(rest[2].strip("()"))

    def uid_expunge(self, rest) -> None:
        self._expunge(set(map(int, rest[0].split(","))))

    def expunge(self, rest) -> None:
        self._expunge(set(self.server.mails))

    def _expunge(self, uids: set[int]) -> None:
        for uid in uids:
            if "\\Deleted" in self.server.flags[uid]:
                self.server.mails.pop(uid, None)


class ImapServer(_Server):
    scheme, session = "imap", _ImapSession
