"""May they? Asked with Python's standard library: one question, a batch, and who may.

Needs BAILIWICK_URL, BAILIWICK_CA and BAILIWICK_KEY in the environment, as ask.sh does. Run, it answers whether the
subject may do it, which of two actions they may, and who else may do it:

    python3 ask.py SUBJECT ACTION RESOURCE-TYPE RESOURCE-ID
"""

import json
import os
import ssl
import sys
import urllib.request


class Bailiwick:
    """A decision point. Whatever goes wrong while asking is raised, and means no."""

    def __init__(self, url, key, certificate):
        self.url = url
        self.key = key
        self.tls = ssl.create_default_context(cafile=certificate)

    def ask(self, path, body):
        request = urllib.request.Request(
            f"{self.url}/access/v1/{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5, context=self.tls) as answer:
            return json.load(answer)

    def permits(self, subject, action, resource, **context):
        """Whether the subject may do this. Only a plain `true` is a yes."""
        question = {"subject": subject, "action": {"name": action}, "resource": resource, "context": context}
        return self.ask("evaluation", question).get("decision") is True

    def permits_each(self, subject, actions, resource):
        """For each action whether the subject may do it, asked of one state."""
        questions = [{"action": {"name": action}} for action in actions]
        answers = self.ask("evaluations", {"subject": subject, "resource": resource, "evaluations": questions})
        decisions = [answer.get("decision") is True for answer in answers["evaluations"]]
        return dict(zip(actions, decisions, strict=True))

    def who_may(self, action, resource):
        """Every user who may do this, over all pages."""
        search = {"subject": {"type": "user"}, "action": {"name": action}, "resource": resource, "page": {"limit": 100}}
        while True:
            found = self.ask("search/subject", search)
            yield from (result["id"] for result in found["results"])
            token = found["page"]["next_token"]
            if not token:
                return
            search["page"]["token"] = token


def main():
    subject, action, kind, record = sys.argv[1:]
    house = Bailiwick(os.environ["BAILIWICK_URL"], os.environ["BAILIWICK_KEY"], os.environ["BAILIWICK_CA"])
    user, resource = {"type": "user", "id": subject}, {"type": kind, "id": record}
    print(json.dumps({
        "permits": house.permits(user, action, resource),
        "each": house.permits_each(user, [action, "burn"], resource),
        "who": sorted(house.who_may(action, resource)),
    }))


if __name__ == "__main__":
    main()
