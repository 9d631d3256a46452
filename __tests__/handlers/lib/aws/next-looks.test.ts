import { SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createNextLooks } from "../../../../handlers/lib/aws/next-looks.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";
import { createLogFake } from "../../../fakes/log.ts";

let aws: HttpFake;
let answer: FakeAnswer;

beforeEach(async () => {
  answer = { status: 200, json: { MessageId: "1" } };
  aws = await startHttpFake(() => answer);
});

afterEach(() => aws.close());

function setUp() {
  const [clock, log] = [createFakeClock(), createLogFake()];
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const sqs = new SQSClient({ endpoint: aws.url, region: "us-east-1", credentials, maxAttempts: 1, md5: false });
  const nextLooks = createNextLooks(`${aws.url}/000000000000/ci-next-looks`, { clock, log }, sqs);
  return { log, ask: (seconds: number) => nextLooks.ask(new Date(clock.now().getTime() + seconds * 1000)) };
}

const sent = () => aws.requests.map(({ body }) => JSON.parse(String(body)));

it("delays a message until the look is due, in whole seconds but at least one, and names the look by that time", async () => {
  const { ask } = setUp();
  expect(await Promise.all([9.6, 30, -1].map(ask))).toEqual([true, true, true]);
  expect(sent().map(({ DelaySeconds }) => DelaySeconds)).toEqual([10, 30, 1]);
  expect(sent().map(({ MessageBody }) => JSON.parse(MessageBody))).toEqual([
    { dueAt: 1767225609600 },
    { dueAt: 1767225630000 },
    { dueAt: 1767225599000 },
  ]);
});

it("says so, and throws nothing, where SQS takes no message", async () => {
  const { log, ask } = setUp();
  answer = { status: 403, json: { __type: "AccessDenied", message: "no" } };
  expect(await ask(10)).toBe(false);
  await aws.close();
  expect(await ask(10)).toBe(false);
  expect(log.lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
});
