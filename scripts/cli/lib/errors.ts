import { CommanderError } from "commander";
import { VendorApiError, type VendorApiErrorKind } from "../../../handlers/lib/core/errors.ts";
import { visibleLine } from "../../../handlers/lib/core/visible.ts";
import { ConfigError, UnknownStackError } from "../../../stacks/config/errors.ts";
import { troubleOf } from "./aws-trouble.ts";

/** An error that the person at the terminal can fix: the failure, and a hint what to do. */
export class UserError extends Error {
  override readonly name = "UserError";

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** The person has interrupted the command. */
export class Interrupted extends UserError {}

/** A command that has said all it had to say, and ends with an exit code of its own. */
export class Ended extends Error {
  override readonly name = "Ended";

  constructor(readonly exitCode: number) {
    super(`exit code ${exitCode}`);
  }
}

/** The shown part of an error: never a stack trace. */
export interface Explanation {
  readonly error: string;
  readonly hint: string;
}

const vendors = {
  "hcp-terraform": {
    name: "HCP Terraform or Terraform Enterprise",
    address: "--host or TFE_ADDRESS",
    token: "Set TOKEN to an API token of this host that is allowed to do this: an organization, team or user token.",
  },
  "hcp-terraform-stack": {
    name: "HCP Terraform or Terraform Enterprise",
    address: "vendor.address of the stack",
    token: "Set TOKEN to an API token that may read this organization's runs.",
  },
  "azure-devops": {
    name: "Azure DevOps",
    address: "vendor.organization or vendor.collectionUrl of the stack",
    token: "Set ADO_PAT to a personal access token of this organization that is allowed to do this.",
  },
  spacelift: {
    name: "Spacelift",
    address: "vendor.endpoint of the stack",
    token: "Give the id and secret of an API key that may manage webhooks and policies in the space.",
  },
};

/**
 * Wraps an action of a command that calls this vendor's API. An API error becomes a {@link UserError} with a hint in
 * the vendor's terms.
 */
export function asking<Args extends unknown[]>(
  vendor: keyof typeof vendors,
  action: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    try {
      await action(...args);
    } catch (error) {
      throw error instanceof VendorApiError ? new UserError(error.message, vendorHint(vendor, error.kind)) : error;
    }
  };
}

function vendorHint(vendor: keyof typeof vendors, kind: VendorApiErrorKind): string {
  const { name, address, token } = vendors[vendor];
  const unreachable = `Check the address (${address}) and the network, then try again.`;
  const hints: Record<VendorApiErrorKind, string> = {
    unauthorized: token,
    "not-found": "Check the names and the organization. The API answers the same if the token may not see them.",
    conflict: "Something else changed it meanwhile. Look at its present state, then try again.",
    invalid: "Fix the problem that the API reports, then try again.",
    "rate-limited": "Wait a minute, then try again.",
    unavailable: unreachable,
    timeout: unreachable,
    malformed: `Check that the address (${address}) is that of ${name}.`,
    misconfigured: "Correct the config file, then deploy the stack again.",
  };
  return hints[kind];
}

/** Explains an error: one sentence says what failed, another what to do. */
export function explain(error: unknown): Explanation {
  if (error instanceof UserError) return { error: error.message, hint: error.hint };
  if (error instanceof UnknownStackError) {
    return {
      error: error.message,
      hint: "A stack has the name of its config file, without .yaml. To write a new one: fleet init",
    };
  }
  if (error instanceof ConfigError) {
    return { error: `The config is not valid:\n${error.message}`, hint: "Fix it, then try again." };
  }
  if (error instanceof CommanderError) {
    const noCommand = error.code === "commander.help";
    const message = noCommand ? "No command is given." : error.message.replace(/^error: /, "");
    return { error: message, hint: "Add --help for the commands, their arguments and options." };
  }
  if (!(error instanceof Error)) return { error: visibleLine(String(error)), hint: unexpected };
  const trouble = troubleOf(error);
  if (trouble) return { error: visibleLine(capital(trouble.why)), hint: trouble.todo };
  const name = error.name === "Error" || error instanceof VendorApiError ? "" : `${error.name}: `;
  // The words of others stay in one line: the next line could pass for ours.
  return { error: visibleLine(name + error.message), hint: hintOn(error) };
}

function hintOn(error: Error): string {
  if ("$metadata" in error) return ofAws;
  return "syscall" in error ? ofSystem : unexpected;
}

const unexpected = "This is a bug: please report it with the command that you ran.";
const ofSystem = "The operating system refused it. Check that the file or folder is there, and whose it is.";
const ofAws = "AWS refused it. Fix the problem that AWS reports, then try again.";

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
