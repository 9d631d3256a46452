import {
  DeleteParameterCommand,
  ParameterNotFound,
  PutParameterCommand,
  paginateGetParametersByPath,
  SSMClient,
} from "@aws-sdk/client-ssm";
import * as z from "zod";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import type { Assignment, AssignmentStore } from "../hcp/assignments.ts";
import { UserError } from "./errors.ts";

const assignment = z.strictObject({
  workspaceId: z.string(),
  workspace: z.string(),
  agentPoolId: z.string(),
  before: z.strictObject({
    executionMode: z.string(),
    agentPoolId: z.string().optional(),
    inherited: z.boolean(),
  }),
});

/**
 * A stack's assignments in SSM Parameter Store: one parameter for each workspace, below
 * `/agent-fleets/<stack>/workspaces`. Terraform does not know them, so they outlive the stack. They hold no secret.
 */
export function createParameterAssignments(stack: string, region: string): AssignmentStore {
  const client = new SSMClient({ ...clientOptions, region });
  const folder = `/agent-fleets/${stack}/workspaces`;
  return {
    async list() {
      const found: Assignment[] = [];
      for await (const { Parameters = [] } of paginateGetParametersByPath({ client }, { Path: folder })) {
        found.push(...Parameters.map(({ Name = "", Value = "" }) => read(Name, Value)));
      }
      return found.sort((a, b) => a.workspace.localeCompare(b.workspace));
    },

    async put(kept) {
      const name = `${folder}/${kept.workspaceId}`;
      const description =
        `Settings of workspace ${kept.workspace} before stack ${stack}. ` +
        "fleet hcp workspaces release gives them back.";
      await client.send(
        new PutParameterCommand({
          Name: name,
          Value: JSON.stringify(kept),
          Description: description,
          Type: "String",
          Overwrite: true,
        }),
      );
    },

    async remove(workspaceId) {
      try {
        await client.send(new DeleteParameterCommand({ Name: `${folder}/${workspaceId}` }));
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) throw error;
      }
    },
  };
}

function read(name: string, value: string): Assignment {
  try {
    const { before, ...rest } = assignment.parse(JSON.parse(value));
    return { ...rest, before: { ...before, agentPoolId: before.agentPoolId } };
  } catch {
    throw new UserError(
      `The parameter ${name} does not hold what a workspace had before.`,
      "Nothing was changed. Set the workspace's execution mode in HCP Terraform, then delete the parameter.",
    );
  }
}
