import type { Execution, HcpTerraformAdmin, Workspace } from "./admin.ts";

/** A workspace that runs on a stack's pool, and the settings to give back. */
export interface Assignment {
  readonly workspaceId: string;
  /** Its name when it was assigned. */
  readonly workspace: string;
  /** The pool that it was assigned to. */
  readonly agentPoolId: string;
  readonly before: Execution;
}

/** Keeps the assignments of one stack. They outlive the stack. */
export interface AssignmentStore {
  list(): Promise<readonly Assignment[]>;
  /** Replaces the workspace's assignment, if there is one. */
  put(assignment: Assignment): Promise<void>;
  remove(workspaceId: string): Promise<void>;
}

/** The result of an assignment. `unrecorded`: the workspace ran on the pool before, so nothing can be given back. */
export type AssignOutcome = "assigned" | "already assigned" | "unrecorded";

/**
 * The state of a workspace, seen from its assignment: `assigned` as the assignment left it, `given back` as it was
 * before, `changed` in a third way since, or `gone`.
 */
export type AssignmentState = "assigned" | "given back" | "changed" | "gone";

/** Lets a workspace run on the pool. Keeps the settings that it finds first, so that an interrupted call loses none. */
export async function assign(
  workspace: Workspace,
  agentPoolId: string,
  known: readonly Assignment[],
  { admin, store }: { readonly admin: HcpTerraformAdmin; readonly store: AssignmentStore },
): Promise<AssignOutcome> {
  const { id, name, ...before } = workspace;
  if (runsOn(workspace, agentPoolId)) {
    return known.some((each) => each.workspaceId === id) ? "already assigned" : "unrecorded";
  }
  await store.put({ workspaceId: id, workspace: name, agentPoolId, before });
  await admin.setExecution(id, { executionMode: "agent", agentPoolId, inherited: false });
  return "assigned";
}

/** Gives a workspace its former settings back, and only then forgets them. */
export async function release(
  { workspaceId, before }: Assignment,
  state: AssignmentState,
  { admin, store }: { readonly admin: HcpTerraformAdmin; readonly store: AssignmentStore },
): Promise<void> {
  if (state === "assigned" || state === "changed") await admin.setExecution(workspaceId, before);
  await store.remove(workspaceId);
}

/** See {@link AssignmentState}. @param workspace as it is now; `undefined`: it does not exist any more */
export function stateOf({ agentPoolId, before }: Assignment, workspace: Workspace | undefined): AssignmentState {
  if (workspace === undefined) return "gone";
  if (isSame(before, workspace)) return "given back";
  return runsOn(workspace, agentPoolId) && !workspace.inherited ? "assigned" : "changed";
}

function runsOn({ executionMode, agentPoolId }: Execution, poolId: string): boolean {
  return executionMode === "agent" && agentPoolId === poolId;
}

/** Workspaces that inherit are the same whatever they inherit. */
function isSame(a: Execution, b: Execution): boolean {
  if (a.inherited || b.inherited) return a.inherited === b.inherited;
  return a.executionMode === b.executionMode && (a.executionMode !== "agent" || a.agentPoolId === b.agentPoolId);
}
