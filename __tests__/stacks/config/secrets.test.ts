import { describe, expect, it } from "vitest";
import { configWith, errorsWith, messagesIn, minimal } from "./files.ts";

describe("secrets", () => {
  it.each([
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:ci/tfc-token-AbCdEf",
    "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/ci/token",
    "arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:token",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:ci/hcp-AbCdEf:agent-token::",
  ])("come by ARN: %s", (arn) => {
    expect(configWith(`secrets: { agentToken: { arn: "${arn}" } }`).secrets.agentToken).toEqual({ arn });
  });

  it("come by Terraform variable", () => {
    expect(configWith("secrets: { agentToken: { variable: tfc_agent_token } }").secrets.agentToken).toEqual({
      variable: "tfc_agent_token",
      version: 1,
    });
  });

  it.each([
    "arn:aws:s3:::bucket",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:",
    "arn:other:ssm:us-west-2:111122223333:parameter/x",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:token:key",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:token:::",
    "arn:aws:secretsmanager:us-west-2:111122223333:secret:token:key:AWSPREVIOUS:",
    "arn:aws:ssm:us-west-2:111122223333:parameter/token:key::",
  ])("do not come by %s", (arn) => {
    expect(errorsWith(`secrets: { agentToken: { arn: "${arn}" } }`)).toEqual([
      expect.stringMatching(
        /^secrets\.agentToken\.arn: must be the ARN of a Secrets Manager secret \(with `:key::` for one key of its JSON\) or an SSM parameter/,
      ),
    ]);
  });

  it("name the key of a secret that has its own, which lies where the secret lies", () => {
    const arn = "arn:aws:ssm:eu-west-1:111122223333:parameter/ci/token";
    const key = (region: string) => `arn:aws:kms:${region}:111122223333:key/0a1b`;
    const token = (kmsKeyArn: string) => `secrets: { agentToken: { arn: "${arn}", kmsKeyArn: "${kmsKeyArn}" } }`;
    expect(configWith(token(key("eu-west-1"))).secrets.agentToken).toEqual({ arn, kmsKeyArn: key("eu-west-1") });
    expect(errorsWith(token(key("us-west-2")))).toEqual([
      expect.stringMatching(/^secrets\.agentToken\.kmsKeyArn: must be a key in the secret's region, eu-west-1/),
    ]);
    expect(errorsWith(token("alias/ci"))).toEqual([
      expect.stringMatching(/^secrets\.agentToken\.kmsKeyArn: must be the ARN of a KMS key/),
    ]);
  });

  it("do not share a variable", () => {
    const text = "secrets: { agentToken: { variable: token }, apiToken: { variable: token } }";
    expect(errorsWith(text)).toEqual([
      expect.stringMatching(
        /^secrets\.apiToken\.variable: must be another variable than the one of secrets\.agentToken/,
      ),
    ]);
  });

  it.each([
    ["an HCP Terraform fleet", minimal, "agentToken, apiToken, notificationToken, recoveryWindowDays"],
    [
      "a Spacelift fleet",
      "kind: ec2-fleet\nregion: us-west-2\nvendor: { type: spacelift, workerPoolId: 01HCC6QZ932J7WDF4FTVM9QMEP, " +
        "endpoint: https://acme.app.spacelift.io, apiKeyId: key }\n",
      "workerPoolToken, poolPrivateKey, apiKeySecret, webhookSecret, recoveryWindowDays",
    ],
  ])("of %s are named by an error about another one, and those of other vendors are not", (_, fleet, names) => {
    expect(messagesIn(`${fleet}secrets: { token: { variable: token } }`)).toEqual([
      `secrets: has an unknown key. Known: ${names}`,
    ]);
  });

  it("of another vendor are refused by the names of the fleet's own", () => {
    expect(errorsWith("secrets: { pat: { variable: pat } }")).toEqual([
      expect.stringMatching(
        /^secrets\.pat: must be left out: the secrets of hcp-terraform are agentToken, apiToken, notificationToken/,
      ),
    ]);
  });

  it.each([0, 7, 30])("can be restored for %i days", (days) => {
    expect(configWith(`secrets: { recoveryWindowDays: ${days} }`).secrets.recoveryWindowDays).toBe(days);
  });

  it.each([1, 6, 31, -1])("cannot be restored for %i days", (days) => {
    expect(errorsWith(`secrets: { recoveryWindowDays: ${days} }`)).toHaveLength(1);
  });
});
