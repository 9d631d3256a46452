import type { Command } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import type { VendorSecret } from "../../../stacks/config/secrets.ts";
import { vendors } from "../../../stacks/config/vendors/index.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { listSecrets, whyNotRead } from "../lib/secret-list.ts";
import { putSecret, secretOf, secretsOf } from "../lib/stack-secrets.ts";
import { table } from "../lib/ui.ts";
import { addRotateCommand } from "./secret-rotate.ts";

interface SetOptions {
  readonly revokePrevious?: true;
}

const secretNames = new Set(
  Object.values(vendors).flatMap(({ secrets }) => Object.values<VendorSecret>(secrets).map(({ name }) => name)),
);

/** `fleet secret set`, `rotate` and `list`. */
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
  addRotateCommand(secret, context);
  secret
    .command("list")
    .summary("show which secrets have a value")
    .description(
      "Shows for each secret that this vendor's fleets may have: whether it has a value, since when, and until when the " +
        "webhook also accepts the value from before. Reads no value. Fails if a secret cannot be looked at.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .addHelpText("after", "\nExamples:\n  fleet secret list ci-agents\n  fleet --json secret list ci-agents")
    .action(async (stackName: string, _options: object, command: Command) => {
      const ui = uiOf(context, command);
      const secrets = secretsOf(loadStack(stackName, context));
      const rows = await ui.during(`Looking at the secrets of ${stackName}`, () =>
        listSecrets(secrets, context.clock.now()),
      );
      ui.result(
        { stack: stackName, secrets: rows.map(({ text: _, ...data }) => data) },
        table(
          ["Secret", "Value", "Since", "Value from before", "Stored in"],
          rows.map(({ secret: name, text, since, previous_accepted_until: until, id }) => [
            name,
            text,
            since ?? "-",
            until ? `accepted until ${until}` : "-",
            id,
          ]),
          context.terminal.columns?.(),
        ),
      );
      const unread = rows.filter(({ error }) => error !== null);
      if (unread.length > 0) throw whyNotRead(unread);
    });
}
