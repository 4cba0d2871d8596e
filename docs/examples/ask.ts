// May they? Asked from TypeScript, with nothing but `fetch`.
//
// Needs BAILIWICK_URL and BAILIWICK_KEY in the environment, and NODE_EXTRA_CA_CERTS for a certificate of Bailiwick's own:
//
//     NODE_EXTRA_CA_CERTS=data/certificate.pem node ask.ts SUBJECT ACTION RESOURCE-TYPE RESOURCE-ID
//
// Node.js runs it as it stands from 22.18 on; before that, compile it first.

interface Entity {
  type: string;
  id: string;
  properties?: Record<string, unknown>;
}

interface Question {
  subject: Entity;
  action: { name: string };
  resource: Entity;
  context?: Record<string, unknown>;
}

/** Whether it is permitted. Whatever goes wrong while asking is thrown, and means no. */
async function permits(question: Question): Promise<boolean> {
  const answer = await fetch(`${process.env.BAILIWICK_URL}/access/v1/evaluation`, {
    method: "POST",
    headers: { authorization: `Bearer ${process.env.BAILIWICK_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`no decision: ${answer.status} ${await answer.text()}`);
  const { decision } = (await answer.json()) as { decision: boolean };
  return decision === true;
}

const [subject, action, type, id] = process.argv.slice(2) as [string, string, string, string];
const permitted: boolean = await permits({
  subject: { type: "user", id: subject },
  action: { name: action },
  resource: { type, id },
});
console.log(JSON.stringify({ permitted }));
