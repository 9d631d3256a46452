import { execFile, execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commandPath } from "../agents/ec2/host.ts";
import { commandsShown } from "./commands.ts";
import { filled } from "./shell.ts";

const aws = commandPath("aws");
const isVersion2 = aws && !execFileSync(aws, ["--version"], { encoding: "utf8" }).startsWith("aws-cli/1.");
if (!isVersion2) {
  const skipped = aws
    ? "aws is version 1, so no logs tail in the docs is checked"
    : "aws is not on PATH, so no command of AWS's CLI in the docs is checked";
  process.stderr.write(`SKIPPED: ${skipped}\n`);
}

/** What version 1 of the CLI lacks: `logs tail` came with version 2 (github.com/aws/aws-cli, CHANGELOG of 2.0.0). */
const onlyInVersion2 = /^aws logs tail /;

/**
 * What the CLI says against a command. With `--generate-cli-skeleton output` it checks the command's options and their
 * values, prints an example of an answer, and calls nobody. It cannot do that beside `--max-items`. In a sentence a
 * command may stand for itself, without options: then it must exist.
 */
function faultOf(command: string): Promise<string> {
  const skeleton = command.includes(" --") ? "output" : "input";
  const script = `aws() { "$AWS" "$@" --generate-cli-skeleton ${skeleton}; }; ${filled(command)
    .replace(/ \| .*$/, "")
    .replace(/ --max-items \d+/, "")}`;
  const env = {
    PATH: process.env.PATH,
    AWS: aws,
    AWS_DEFAULT_REGION: "us-west-2",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    // Nothing answers there.
    AWS_ENDPOINT_URL: "http://127.0.0.1:9",
  };
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", script], { env }, (error, _, stderr) => {
      resolve(error ? (withoutOwnExample(stderr.trim()) ?? "no reason") : "");
    });
  });
}

/**
 * The CLI's example of an answer gives each text its own name as value and each number 0, and the CLI then checks that
 * example, too. It is no fault of the command that a name is shorter than AWS's texts, or 0 too low. @returns `undefined` where nothing is said
 */
function withoutOwnExample(stderr: string): string | undefined {
  const [head, ...lines] = stderr.split("\n");
  const faults = lines.filter((line) => {
    // A number in a list of the example is 0.
    if (/^Invalid value for parameter \w+\[0\]\S*, value: 0, valid min value/.test(line)) return false;
    const [, name, length] = /^Invalid length for parameter (\w+), value: (\d+), valid min length/.exec(line) ?? [];
    return name === undefined || name.length !== Number(length);
  });
  if (head !== "Parameter validation failed:") return stderr === "" ? undefined : stderr;
  return faults.length > 0 ? [head, ...faults].join("\n") : "";
}

describe.skipIf(!aws).concurrent("commands of AWS's CLI", () => {
  const shown = commandsShown("aws");
  it.each([
    ["aws sqs start-message-move-task --destination-arn <arn>", "--source-arn"],
    ["aws logs filter-log-event --log-group-name ci", "filter-log-event"],
    ["aws ecs list-tasks --cluster ci --families ci", "--families"],
    ["aws stepfunctions list-executions --state-machine-arn <arn> --max-results many", "invalid literal"],
    ["aws imagebuilder list-images --filters key=name,values=ci", "Unknown parameter"],
    ["aws secretsmanager delete-secret --secret-id agent-fleets/<stack>/<name> --forced", "--forced"],
  ])("%s would be found", async (command, fault) => {
    expect(await faultOf(command)).toContain(fault);
  });

  it("are shown", () => {
    expect(shown.length).toBeGreaterThan(25);
  });

  it.each(
    shown.filter(({ command }) => isVersion2 || !onlyInVersion2.test(command)),
  )("$command ($page) is one that the CLI takes", async ({ command }) => {
    expect(await faultOf(command)).toBe("");
  });
});
