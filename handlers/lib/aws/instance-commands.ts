import {
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  InvalidInstanceId,
  InvocationDoesNotExist,
  SendCommandCommand,
  type SSMClient,
} from "@aws-sdk/client-ssm";
import type { Clock, InstanceCommands, InstanceGroup } from "../core/ports.ts";

/** Where the boot puts a fleet's scripts. */
const folder = "/opt/agent-fleets";
const fileName = /^[a-z0-9][a-z0-9._-]*$/;
/** The least that Run Command takes; the time to reach the instance, and again the time to run the script. */
const timeoutSeconds = 30;
const answerMilliseconds = 45_000;
const pauseMilliseconds = 1_000;
const underWay: ReadonlySet<string | undefined> = new Set(["Pending", "InProgress", "Delayed"]);

/**
 * Scripts on instances by SSM Run Command: the instance's own agent fetches the command, nothing listens there. Only the
 * name of a script of ours travels, never a text that could be a command.
 */
export function createInstanceCommands({
  ssm,
  group,
  clock,
}: {
  readonly ssm: SSMClient;
  readonly group: InstanceGroup;
  readonly clock: Clock;
}): InstanceCommands {
  return {
    async run(instanceId, script) {
      if (!fileName.test(script)) throw new TypeError("a script is named by its file name");
      try {
        return await answerOf(instanceId, await send(instanceId, script));
      } catch (error) {
        // An instance whose agent is down does not answer either: it may be working all the same.
        if (await group.has(instanceId)) throw error;
        return undefined;
      }
    },
  };

  async function send(instanceId: string, script: string): Promise<string> {
    const command = new SendCommandCommand({
      DocumentName: "AWS-RunShellScript",
      InstanceIds: [instanceId],
      Comment: "agent-fleets",
      TimeoutSeconds: timeoutSeconds,
      Parameters: { commands: [`${folder}/${script}`], executionTimeout: [String(timeoutSeconds)] },
    });
    try {
      const { Command } = await ssm.send(command);
      if (Command?.CommandId === undefined) throw new Error("SSM gave the command no id");
      return Command.CommandId;
    } catch (error) {
      if (!(error instanceof InvalidInstanceId)) throw error;
      throw new Error(`${instanceId} is not connected to SSM`, { cause: error });
    }
  }

  async function answerOf(instanceId: string, commandId: string): Promise<string> {
    const end = clock.now().getTime() + answerMilliseconds;
    while (clock.now().getTime() < end) {
      const invocation = await read(instanceId, commandId);
      if (invocation?.Status === "Success") return (invocation.StandardOutputContent ?? "").trim();
      if (invocation !== undefined && !underWay.has(invocation.Status)) throw failureOf(instanceId, invocation);
      await clock.sleep(pauseMilliseconds);
    }
    throw new Error(`${instanceId} did not answer in time`);
  }

  /** `undefined` right after the command was sent, when SSM does not know yet that it is for this instance. */
  async function read(instanceId: string, commandId: string): Promise<GetCommandInvocationResult | undefined> {
    try {
      return await ssm.send(new GetCommandInvocationCommand({ InstanceId: instanceId, CommandId: commandId }));
    } catch (error) {
      if (error instanceof InvocationDoesNotExist) return undefined;
      throw error;
    }
  }
}

function failureOf(instanceId: string, { StatusDetails, ResponseCode }: GetCommandInvocationResult): Error {
  return new Error(`the script on ${instanceId} ended as ${StatusDetails} with exit code ${ResponseCode}`);
}
