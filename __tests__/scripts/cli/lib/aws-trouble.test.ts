import { describe, expect, it } from "vitest";
import { couldNotLook } from "../../../../scripts/cli/desk/doctor/finding.ts";
import { findingsText } from "../../../../scripts/cli/desk/doctor/text.ts";
import { look } from "../../../../scripts/cli/desk/part.ts";
import { troubleOf } from "../../../../scripts/cli/lib/aws-trouble.ts";
import { explain } from "../../../../scripts/cli/lib/errors.ts";

const failure = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name, ...(code && { code }) });

/** An error that the SDK made of an answer. */
const withStatus = (httpStatusCode: number, name: string, message: string) =>
  Object.assign(failure(name, message), { $metadata: { httpStatusCode } });

/** The SDK's own words. */
const pageOfProxy =
  "Unexpected token '<', \"<html>Prox\"... is not valid JSON\n  Deserialization error: to see the raw response, " +
  "inspect the hidden field {error}.$response on this object.";

/** Errors as AWS, its SDK and Node make them. */
type Case = [error: Error, kind: string | undefined, why: string, todo: string];
const cases: readonly Case[] = [
  [
    failure("CredentialsProviderError", "Could not load credentials from any providers"),
    "no-credentials",
    "there are no AWS credentials here: Could not load credentials from any providers",
    "set AWS_PROFILE",
  ],
  [
    failure("CredentialsProviderError", "The SSO session associated with this profile has expired. Run aws sso login."),
    "expired",
    "the AWS credentials have expired: The SSO session",
    "log in again",
  ],
  [failure("ExpiredToken", "The token is expired."), "expired", "have expired", "log in again"],
  [failure("UnrecognizedClientException", "bad token"), "not-accepted", "does not accept", "has not enabled"],
  [failure("RequestExpired", "Signature expired"), "clock", "too old", "Set the clock"],
  [
    failure("AccessDeniedException", "User: arn:x is not authorized to perform: ec2:DescribeVpcs on resource"),
    "denied",
    "this AWS identity may not do ec2:DescribeVpcs",
    "Grant the right",
  ],
  [failure("UnauthorizedOperation", "no"), "denied", "may not do ec2:A, ec2:B", "Grant the right"],
  [
    failure("Error", "getaddrinfo ENOTFOUND ec2.eu-west-9.amazonaws.com", "ENOTFOUND"),
    "no-answer",
    "there is no address for ec2.eu-west-9.amazonaws.com",
    "Check the network, the region",
  ],
  [failure("TimeoutError", "no answer in 5000 ms"), "no-answer", "no answer came: no answer in", "Check the network"],
  [
    failure("Error", "connect ECONNREFUSED 127.0.0.1:1", "ECONNREFUSED"),
    "no-answer",
    "no answer came: nothing listens at 127.0.0.1:1",
    "Check the network",
  ],
  [failure("ThrottlingException", "Rate exceeded"), "throttled", "too many come: Rate exceeded", "Wait a minute"],
  [failure("RequestLimitExceeded", "Request limit exceeded."), "throttled", "too many come", "Wait a minute"],
  [failure("EC2ThrottledException", "slow"), "throttled", "too many come", "Wait a minute"],
  [
    failure(
      "SyntaxError",
      "Unexpected token '<', \"<!doctype \"... is not valid JSON\n  Deserialization error: to see the raw response, " +
        "inspect the hidden field {error}.$response on this object.",
    ),
    "not-aws",
    "the answer that came is none of AWS's",
    "check the proxy",
  ],
  [failure("ServiceUnavailable", "later"), "failing", "AWS itself failed: later", "Try again"],
  [failure("UnauthorizedException", "Session token not found or invalid"), "expired", "have expired", "log in again"],
  [failure("TypeError", "Invalid URL", "ERR_INVALID_URL"), "address", "is no URL", "AWS_ENDPOINT_URL"],
  ...["SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"].map(
    (code): Case => [
      failure("Error", "not trusted", code),
      "certificate",
      "does not trust the certificate that came in AWS's place: not trusted",
      "NODE_EXTRA_CA_CERTS",
    ],
  ),
  [failure("Error", "expired", "CERT_HAS_EXPIRED"), "certificate", "certificate", "the clock of this machine"],
  [failure("Error", "names", "ERR_TLS_CERT_ALTNAME_INVALID"), "certificate", "certificate", "NODE_EXTRA_CA_CERTS"],
  [failure("Error", "write wrong version number", "EPROTO"), "no-answer", "no answer came", "Check the network"],
  [failure("Error", "connect timeout", "UND_ERR_CONNECT_TIMEOUT"), "no-answer", "no answer came", "Check the network"],
  [withStatus(200, "SyntaxError", pageOfProxy), "not-aws", "is none of AWS's", "the login page of the network"],
  [withStatus(403, "Error", "@aws-sdk XML parse error: unexpected content."), "not-aws", "none of AWS's", "proxy"],
  [withStatus(407, "Unknown", "Unknown"), "not-aws", "none of AWS's", "proxy"],
  [withStatus(429, "NewName", "slow down"), "throttled", "too many come: slow down", "Wait a minute"],
  [withStatus(500, "ServiceException", "oops"), "failing", "AWS itself failed: oops", "Try again"],
];

describe("troubles with AWS", () => {
  it.each(cases)("%s is %s, in plain words and with its own fix", (error, kind, why, todo) => {
    const found = troubleOf(error, ["ec2:A", "ec2:B"]);
    expect(found?.kind).toBe(kind);
    expect(found?.why).toContain(why);
    expect(found?.todo).toContain(todo);
    // No class of an error, and no second full stop.
    expect(found?.why).not.toMatch(/Exception|ProviderError|\bE[A-Z]{5,}|\.$/);
    const { error: said, hint } = explain(error);
    expect(said.slice(1)).toContain(troubleOf(error)?.why.slice(1));
    expect(hint).toContain(todo);
  });

  it("gives each kind a fix of its own", () => {
    const todos = new Map(cases.map(([error]) => [troubleOf(error)?.kind, troubleOf(error)?.todo]));
    expect(new Set(todos.values()).size).toBe(todos.size);
  });

  it.each([
    new Error("odd"),
    failure("ValidationException", "1 error"),
    "text",
    undefined,
  ])("leaves %s as it is", (error) => expect(troubleOf(error)).toBeUndefined());

  it("a part that could not be read says why, and what to do about just that", async () => {
    const shown = async (error: Error) => {
      const part = await look(["ec2:DescribeSubnets"], () => Promise.reject(error));
      if (part.known) throw new Error("it was read");
      return findingsText("net", [couldNotLook("the subnets", part.why, part.todo)], 80);
    };
    expect(
      await shown(failure("UnauthorizedOperation", "no")),
    ).toBe(`net: 0 errors, 0 warnings, 1 part nobody could look at

UNKNOWN  Could not look at the subnets. (could-not-look)
  seen   this AWS identity may not do ec2:DescribeSubnets
  do     Grant the right, or use another identity (AWS_PROFILE). Then run the
         command again. Whether this part is healthy is not known.`);
    expect(await shown(failure("ThrottlingException", "Rate exceeded"))).toContain("Wait a minute, then try again.");
    expect(await shown(failure("ValidationException", "1 error"))).toContain("AWS says ValidationException: 1 error");
  });

  it.each([
    "CredentialsProviderError",
    "ExpiredToken",
    "UnrecognizedClientException",
    "RequestTimeTooSkewed",
  ])("%s is of the caller, so no part is read", async (name) => {
    await expect(look([], () => Promise.reject(failure(name, "no")))).rejects.toThrow("no");
  });
});
