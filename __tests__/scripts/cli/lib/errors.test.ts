import { describe, expect, it } from "vitest";
import { explain, UserError } from "../../../../scripts/cli/lib/errors.ts";
import { ConfigError } from "../../../../stacks/config/errors.ts";

const named = (name: string, more: object = {}) => Object.assign(new Error("it said so"), { name, ...more });

describe("explain", () => {
  it.each([
    [new UserError("It failed.", "Do this."), "It failed.", "Do this."],
    [new ConfigError(["a.yaml: wrong", "b.yaml: wrong"]), "a.yaml: wrong\nb.yaml: wrong", "Fix it"],
    [named("CredentialsProviderError"), "it said so", "Log in to AWS"],
    [
      named("AccessDeniedException", { $metadata: {} }),
      "This AWS identity may not do this: it said so",
      "Grant the right",
    ],
    [named("InvalidRequestException", { $metadata: {} }), "it said so", "AWS refused it"],
    [named("Error", { code: "ECONNREFUSED", $metadata: {} }), "it said so", "Check the network"],
    [named("Error", { code: "ENOENT", syscall: "open" }), "it said so", "The operating system refused it"],
    [named("TypeError"), "TypeError: it said so", "please report it"],
    ["thrown", "thrown", "please report it"],
  ])("tells of %s what failed and what to do, without a stack trace", (error, message, hint) => {
    const explanation = explain(error);
    expect(explanation.error).toContain(message);
    expect(explanation.hint).toContain(hint);
    expect(explanation.error).not.toContain("    at ");
  });
});
