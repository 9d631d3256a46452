/**
 * Proves that the stacks do not depend on CDKTF itself: its fork makes the same Terraform of the same sources once
 * `imports` in package.json name it. With the argument `install` it only installs the fork.
 */
import { checkFork } from "./check.ts";
import { installFork } from "./project.ts";

const say = (text: string) => process.stdout.write(`${text}\n`);

function main(): number {
  const reason = installFork();
  if (reason !== undefined) {
    process.stderr.write(`The fork cannot be installed here: ${reason}\n`);
    return 2;
  }
  if (process.argv[2] === "install") return 0;
  const { stacks, addresses, differences } = checkFork();
  for (const line of differences) say(line);
  if (differences.length > 0) {
    process.stderr.write(`cdktn makes other Terraform than cdktf: ${differences.length} differences.\n`);
    return 1;
  }
  say(`cdktn makes the same Terraform as cdktf: ${stacks} stacks, ${addresses} resources and data sources.`);
  say("Not compared: the fork's version, and the versions and sources of the providers, which are newer.");
  say(
    "Not proven: tfe bindings made by the fork's own `get` (cdktf's bindings ran on it), and any plan or deployment.",
  );
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
