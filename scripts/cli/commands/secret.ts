import type { Command } from "commander";
import { type LoadedStack, loadStack } from "../../../stacks/config/load.ts";
import type { VendorSecret } from "../../../stacks/config/secrets.ts";
import { vendors } from "../../../stacks/config/vendors/index.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
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

/** The name of the secret that the person at the terminal chooses. Throws an error with the names where nobody can. */
async function chosenName({ terminal: { prompts } }: Context, stack: LoadedStack): Promise<string> {
  const names = secretsOf(stack).map(({ facts }) => facts.name);
  const [only] = names;
  if (prompts)
    return prompts.choose(
      `Secret of ${stack.name}`,
      names.map((value) => ({ value, label: value })),
    );
  throw new UserError(
    `Which secret of ${stack.name}? It may have ${names.join(", ")}.`,
    `Give its name: fleet secret set ${stack.name} ${only ?? "<name>"}. Which of them have a value: fleet secret list ${stack.name}`,
  );
}

/** `fleet secret set`, `rotate` and `list`. */
export function addSecretCommands(program: Command, context: Context): void {
  const secret = program.command("secret").description("values of a stack's secrets");
  secret
    .command("set")
    .summary("set the value of a secret")
    .description("Sets the value of a secret. Asks for it, or reads it from standard input. It is never an argument.")
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .argument(
      "[name]",
      `which secret of its vendor: ${[...secretNames].join(", ")}; left out: fleet asks, or lists them`,
    )
    .option(
      "--revoke-previous",
      "after a leak: the value from before ends at once. Without it, the webhook accepts that value for 24 hours",
    )
    .showHelpAfterError("(the value is never an argument: fleet asks for it, or reads it from standard input)")
    .addHelpText("after", "\nExample:\n  fleet secret set ci-agents agent-token < token.txt")
    .action(async (stackName: string, named: string | undefined, options: SetOptions, command: Command) => {
      const ui = uiOf(context, command);
      const stack = loadStack(stackName, context);
      const name = named ?? (await chosenName(context, stack));
      const target = secretOf(stack, name);
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
