import type { Command } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import type { VendorSecret } from "../../../stacks/config/secrets.ts";
import { vendors } from "../../../stacks/config/vendors/index.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { putSecret, secretOf } from "../lib/stack-secrets.ts";

interface SetOptions {
  readonly revokePrevious?: true;
}

const secretNames = new Set(
  Object.values(vendors).flatMap(({ secrets }) => Object.values<VendorSecret>(secrets).map(({ name }) => name)),
);

/** `fleet secret set`. */
export function addSecretCommands(program: Command, context: Context): void {
  const secret = program.command("secret").description("values of a stack's secrets");
  secret
    .command("set")
    .summary("set the value of a secret")
    .description("Sets the value of a secret. Asks for it, or reads it from standard input. It is never an argument.")
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument("<name>", `which secret of its vendor: ${[...secretNames].join(", ")}`)
    .option(
      "--revoke-previous",
      "after a leak: the value from before ends at once. Without it, the webhook accepts that value for 24 hours",
    )
    .showHelpAfterError("(the value is never an argument: fleet asks for it, or reads it from standard input)")
    .addHelpText("after", "\nExample:\n  fleet secret set ci-agents agent-token < token.txt")
    .action(async (stackName: string, name: string, options: SetOptions, command: Command) => {
      const ui = uiOf(context, command);
      const target = secretOf(loadStack(stackName, context), name);
      const value = await ui.askSecret(`Value of ${name} for ${stackName}`);
      const { revokePrevious = false } = options;
      await ui.during(`Writing ${target.id}`, () => putSecret(target, value, { revokePrevious }));
      const revoked = revokePrevious ? " The webhook forgets the value from before within five minutes." : "";
      ui.result(
        { stack: stackName, secret: name, id: target.id, previous_revoked: revokePrevious },
        `${name} of ${stackName} is set (${target.id}).${revoked}`,
      );
    });
}
