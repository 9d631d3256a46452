import { setTimeout } from "node:timers/promises";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { createSecretReader } from "../../../../handlers/lib/aws/secrets.ts";
import { SecretUnavailableError } from "../../../../handlers/lib/core/errors.ts";
import { createKeyring } from "../../../../handlers/lib/core/keyring.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "../../../fakes/http-fake.ts";

const secretArn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:000000000000:secret:ci/notification-token-AbCdEf";
const parameterArn = "arn:aws-cn:ssm:cn-north-1:000000000000:parameter/ci/notification-token";

/** What the stand-in holds: versions of the secret by stage, and of the parameter by age. */
let stages: Partial<Record<string, string>>;
let parameters: string[];
/** When the current value was written, in seconds since 1970; `undefined`: AWS does not say. */
let writtenAt: number | undefined;
let failure: FakeAnswer | undefined;
/** Happens once, after other requests that came with that for the current value. */
let whileCurrentIsRead: (() => void) | undefined;
let aws: HttpFake;

const call = z
  .object({ SecretId: z.string(), VersionStage: z.string() })
  .or(z.object({ Name: z.string(), WithDecryption: z.literal(true) }));

async function answer({ body }: FakeRequest): Promise<FakeAnswer> {
  if (failure) return failure;
  const input = call.parse(JSON.parse(body.toString("utf8")));
  if (whileCurrentIsRead && ("SecretId" in input ? input.VersionStage === "AWSCURRENT" : input.Name === parameterArn)) {
    const happens = whileCurrentIsRead;
    whileCurrentIsRead = undefined;
    await setTimeout(50);
    happens();
  }
  if ("SecretId" in input) {
    const value = input.SecretId === secretArn ? stages[input.VersionStage] : undefined;
    return value === undefined
      ? awsError("ResourceNotFoundException")
      : ok({ SecretString: value, CreatedDate: writtenAt });
  }
  const version = Number(input.Name.slice(parameterArn.length + 1) || parameters.length);
  const value = input.Name.startsWith(parameterArn) ? parameters[version - 1] : undefined;
  return value === undefined
    ? awsError("ParameterNotFound")
    : ok({ Parameter: { Value: value, Version: version, LastModifiedDate: writtenAt } });
}

const ok = (json: unknown): FakeAnswer => ({ status: 200, json });
const awsError = (type: string): FakeAnswer => ({ status: 400, json: { __type: type, message: "canary-message" } });

beforeAll(async () => {
  aws = await startHttpFake(answer);
});

beforeEach(() => {
  stages = {};
  parameters = [];
  writtenAt = createFakeClock().now().getTime() / 1000;
  failure = undefined;
  whileCurrentIsRead = undefined;
});

afterAll(() => aws.close());

function setUp() {
  const options = {
    endpoint: aws.url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  };
  const clock = createFakeClock();
  const secretsManager = new SecretsManagerClient(options);
  const reader = createSecretReader({ secretsManager, ssm: new SSMClient(options), clock });
  const before = aws.requests.length;
  return { clock, reader, asked: () => aws.requests.length - before };
}

/** What files and consoles put around a secret. */
const around = ["\n", "\r\n", "\r", " \t", "\u00A0", "\uFEFF", "\uFEFF \r\n\n"];

describe.each([
  ["of Secrets Manager", secretArn],
  ["of the parameter store", parameterArn],
])("the previous value %s", (_, arn) => {
  beforeEach(() => {
    stages = { AWSCURRENT: "new", AWSPREVIOUS: "leaked" };
    parameters = ["leaked", "new"];
  });

  it("ends 24 hours after the current one was written", async () => {
    const { clock, reader } = setUp();
    await clock.sleep(24 * 60 * 60_000 - 1000);
    expect(await reader.readVersions(arn)).toEqual(["new", "leaked"]);
    await clock.sleep(1000);
    expect(await reader.readVersions(arn)).toEqual(["new"]);
  });

  it("does not count where AWS does not say when that was", async () => {
    writtenAt = undefined;
    expect(await setUp().reader.readVersions(arn)).toEqual(["new"]);
  });
});

describe.each([
  ["of Secrets Manager", secretArn],
  ["of the parameter store", parameterArn],
])("a key that leaked, in a running container, %s", (_, arn) => {
  const hold = (...values: readonly [string, ...string[]]) => {
    const [current, previous] = values;
    stages = { AWSCURRENT: current, ...(previous !== undefined && { AWSPREVIOUS: previous }) };
    parameters = [...values].reverse();
  };
  const setUpWebhook = () => {
    const { clock, reader } = setUp();
    const keyring = createKeyring(arn, { secrets: reader, clock });
    return { clock, fits: (key: string) => keyring.fits((candidate) => candidate === key) };
  };
  const rotate = (now: Date, ...values: readonly [string, ...string[]]) => {
    hold(...values);
    writtenAt = now.getTime() / 1000;
  };

  it("ends within five minutes of its revocation, though nobody has signed with the new one", async () => {
    hold("leaked");
    const { clock, fits } = setUpWebhook();
    expect(await fits("leaked")).toBe(true);
    // As `fleet secret set --revoke-previous` leaves it.
    rotate(clock.now(), "new", "new", "leaked");
    await clock.sleep(5 * 60_000);
    expect(await fits("leaked")).toBe(false);
    expect(await fits("new")).toBe(true);
  });

  it("ends when a second new value follows the first, however soon", async () => {
    hold("leaked");
    const { clock, fits } = setUpWebhook();
    expect(await fits("leaked")).toBe(true);
    rotate(clock.now(), "new", "leaked");
    expect(await fits("new")).toBe(true);
    await clock.sleep(60_000);
    rotate(clock.now(), "newest", "new", "leaked");
    expect(await fits("newest")).toBe(true);
    expect([await fits("leaked"), await fits("new")]).toEqual([false, true]);
  });

  it("ends after a day in a container that has it in its cache", async () => {
    hold("leaked");
    const { clock, fits } = setUpWebhook();
    rotate(clock.now(), "new", "leaked");
    await clock.sleep(24 * 60 * 60_000 - 1000);
    expect(await fits("leaked")).toBe(true);
    await clock.sleep(1000);
    expect(await fits("leaked")).toBe(false);
  });

  it("does not come back when a rotation falls between the two reads", async () => {
    hold("old", "leaked");
    const { clock, reader } = setUp();
    writtenAt = clock.now().getTime() / 1000 - 10 * 24 * 60 * 60;
    whileCurrentIsRead = () => rotate(clock.now(), "new", "old", "leaked");
    expect(await reader.readVersions(arn)).not.toContain("leaked");
  });
});

describe("a secret in Secrets Manager", () => {
  it("is read in its current and its previous version, newest first", async () => {
    stages = { AWSCURRENT: "new", AWSPREVIOUS: "old" };
    const { reader } = setUp();
    expect(await reader.readVersions(secretArn)).toEqual(["new", "old"]);
    expect(await reader.read(secretArn)).toBe("new");
  });

  it.each(around)("is read without the %j around it, in each version", async (blanks) => {
    stages = { AWSCURRENT: `${blanks}new${blanks}`, AWSPREVIOUS: `${blanks}old${blanks}` };
    const { reader } = setUp();
    expect(await reader.readVersions(secretArn)).toEqual(["new", "old"]);
    expect(await reader.read(secretArn)).toBe("new");
  });

  it.each([{}, { AWSPREVIOUS: " " }])("needs no previous version: %j", async (previous) => {
    stages = { AWSCURRENT: "only", ...previous };
    expect(await setUp().reader.readVersions(secretArn)).toEqual(["only"]);
  });

  it.each([
    {},
    { AWSCURRENT: "" },
    { AWSCURRENT: " \n", AWSPREVIOUS: "old" },
    { AWSCURRENT: "\uFEFF\r\n" },
  ])("is unavailable without a current value, and says how to set one: %j", async (versions) => {
    stages = versions;
    const { reader } = setUp();
    const reading = reader.readVersions(secretArn);
    await expect(reading).rejects.toThrow(SecretUnavailableError);
    await expect(reading).rejects.toThrow(/ci\/notification-token.* no value yet.*fleet secret set/);
  });

  it.each([
    "AccessDeniedException",
    "InvalidRequestException",
    "DecryptionFailure",
  ])("is unavailable when AWS answers %s, which the message names", async (type) => {
    failure = awsError(type);
    const reading = setUp().reader.read(secretArn);
    await expect(reading).rejects.toThrow(SecretUnavailableError);
    await expect(reading).rejects.toThrow(new RegExp(`cannot be read: ${type}`));
  });
});

describe("one key of a secret's JSON", () => {
  const keyArn = `${secretArn}:hook::`;

  it("is read in its current and its previous version", async () => {
    stages = { AWSCURRENT: '{"hook":" new ","other":"x"}', AWSPREVIOUS: '{"hook":"old"}' };
    const { reader, asked } = setUp();
    expect(await reader.readVersions(keyArn)).toEqual(["new", "old"]);
    expect(await reader.read(`${secretArn}:other::`)).toBe("x");
    expect(asked()).toBe(3);
  });

  it.each([
    "text",
    "{}",
    "null",
    '["a"]',
    '{"hook":""}',
  ])("needs no previous version that has it: %s", async (previous) => {
    stages = { AWSCURRENT: '{"hook":"new"}', AWSPREVIOUS: previous };
    expect(await setUp().reader.readVersions(keyArn)).toEqual(["new"]);
  });

  it.each([
    "canary",
    "{}",
    '{"hook":7}',
    "null",
    '["canary"]',
    '{"toString":"canary"}',
  ])("is unavailable where the secret does not have it, and shows none of the secret: %s", async (current) => {
    stages = { AWSCURRENT: current };
    const error = await setUp()
      .reader.readVersions(keyArn)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretUnavailableError);
    expect(String(error)).toContain("must be a JSON object with text under the key hook");
    expect(String(error)).not.toContain("canary");
  });
});

describe("a secret in the parameter store", () => {
  it("is read in its current version and the one before", async () => {
    parameters = ["oldest", "old", "new"];
    const { reader } = setUp();
    expect(await reader.readVersions(parameterArn)).toEqual(["new", "old"]);
    expect(await reader.read(parameterArn)).toBe("new");
  });

  it.each(around)("is read without the %j around it", async (blanks) => {
    parameters = [`${blanks}old${blanks}`, `${blanks}new${blanks}`];
    expect(await setUp().reader.readVersions(parameterArn)).toEqual(["new", "old"]);
  });

  it("has no version before its first", async () => {
    parameters = ["first"];
    const { reader, asked } = setUp();
    expect(await reader.readVersions(parameterArn)).toEqual(["first"]);
    expect(asked()).toBe(1);
  });

  it("is unavailable while it does not exist", async () => {
    await expect(setUp().reader.read(parameterArn)).rejects.toThrow(/fleet secret set/);
  });
});

it("refuses ARNs of other services without asking anybody", async () => {
  const { reader, asked } = setUp();
  await expect(reader.read("arn:aws:s3:::bucket")).rejects.toThrow(SecretUnavailableError);
  await expect(reader.read("text")).rejects.toThrow(SecretUnavailableError);
  await expect(reader.read("text")).rejects.toThrow(/^text is the ARN of neither/);
  expect(asked()).toBe(0);
});

describe("what has been read", () => {
  it("costs one call for its current value, and two for both of its versions", async () => {
    stages = { AWSCURRENT: "new", AWSPREVIOUS: "old" };
    parameters = ["old", "new"];
    const { reader, asked } = setUp();
    await reader.read(secretArn);
    expect(asked()).toBe(1);
    await reader.read(parameterArn);
    expect(asked()).toBe(2);
    expect(await reader.readVersions(secretArn)).toEqual(["new", "old"]);
    expect(asked()).toBe(4);
    expect(await reader.read(secretArn)).toBe("new");
    expect(asked()).toBe(4);
  });

  it("is remembered for five minutes", async () => {
    stages = { AWSCURRENT: "old" };
    const { clock, reader, asked } = setUp();
    await reader.read(secretArn);
    stages = { AWSCURRENT: "new" };
    clock.advance(5 * 60_000 - 1);
    expect(await reader.read(secretArn)).toBe("old");
    expect(asked()).toBe(1);
    clock.advance(1);
    expect(await reader.read(secretArn)).toBe("new");
  });

  it("is read again when asked afresh, for all later readers", async () => {
    stages = { AWSCURRENT: "old" };
    const { reader } = setUp();
    await reader.read(secretArn);
    stages = { AWSCURRENT: "new", AWSPREVIOUS: "old" };
    expect(await reader.readVersions(secretArn, { fresh: true })).toEqual(["new", "old"]);
    expect(await reader.read(secretArn)).toBe("new");
  });

  it("is kept when a fresh reading fails", async () => {
    stages = { AWSCURRENT: "value" };
    const { reader } = setUp();
    await reader.read(secretArn);
    failure = awsError("InternalServiceError");
    await expect(reader.read(secretArn, { fresh: true })).rejects.toThrow(SecretUnavailableError);
    expect(await reader.read(secretArn)).toBe("value");
  });
});
