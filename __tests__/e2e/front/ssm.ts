import { randomUUID } from "node:crypto";
import * as z from "zod";
import { type Bridges, jsonAnswer } from "./bridge.ts";

/** Runs a command on an instance. Resolves to its output, or to `undefined` if the instance does not answer. */
export type RunOnInstance = (instanceId: string, command: string) => Promise<string | undefined>;

const send = z.object({
  DocumentName: z.literal("AWS-RunShellScript"),
  InstanceIds: z.tuple([z.string()]),
  Parameters: z.object({ commands: z.tuple([z.string()]) }),
});
const asked = z.object({ CommandId: z.string(), InstanceId: z.string() });

/** Systems Manager. moto runs no commands on instances. The test does, for the commands that its instances support. */
export function ssmBridges(run: RunOnInstance): Bridges {
  /** The output by command id and instance. */
  const outputs = new Map<string, string>();
  const key = (command: string, instance: string) => `${command} ${instance}`;
  return {
    "ssm:SendCommand": async ({ input }) => {
      const { InstanceIds, Parameters } = send.parse(input);
      const [instance] = InstanceIds;
      const output = await run(instance, Parameters.commands[0]);
      if (output === undefined) return jsonAnswer(400, { __type: "InvalidInstanceId", message: instance });
      const CommandId = randomUUID();
      outputs.set(key(CommandId, instance), output);
      return jsonAnswer(200, { Command: { CommandId } });
    },
    "ssm:GetCommandInvocation": async ({ input }) => {
      const { CommandId, InstanceId } = asked.parse(input);
      const output = outputs.get(key(CommandId, InstanceId));
      return output === undefined
        ? jsonAnswer(400, { __type: "InvocationDoesNotExist" })
        : jsonAnswer(200, { CommandId, InstanceId, Status: "Success", StandardOutputContent: output });
    },
  };
}
