import {
  GetCommandInvocationCommand,
  type GetCommandInvocationResult,
  InvalidInstanceId,
  InvocationDoesNotExist,
  SendCommandCommand,
  type SSMClient,
} from "@aws-sdk/client-ssm";
import type { Clock, InstanceCommands, InstanceGroup } from "../core/ports.ts";

/** Folder of a fleet's scripts on the instance; the boot fills it. */
const folder = "/opt/agent-fleets";
const fileName = /^[a-z0-9][a-z0-9._-]*$/;
/** The least that Run Command accepts. It applies to reaching the instance and again to running the script. */
const timeoutSeconds = 30;
const answerMilliseconds = 45_000;
const pauseMilliseconds = 1_000;
const underWay: ReadonlySet<string | undefined> = new Set(["Pending", "InProgress", "Delayed"]);

/**
 * Runs scripts on instances by SSM Run Command. The SSM agent fetches commands, so no port is open. Only the name of
 * one of our scripts is sent, never a text that could be a command.
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
        // An instance does not answer while its SSM agent is down, but it may still be working.
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

  /** `undefined` right after the command was sent: SSM does not know its instance yet. */
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
