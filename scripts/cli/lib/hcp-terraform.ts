import type { Command } from "commander";
import { baseUrl } from "../../../stacks/config/primitives.ts";
import { createHcpTerraformAdmin, type HcpTerraformAdmin, type Workspace } from "../hcp/admin.ts";
import { type Context, credential } from "./context.ts";
import { UserError } from "./errors.ts";
import { fetchTo, outboundAt } from "./outbound.ts";

const defaultAddress = "https://app.terraform.io";

/** The API's address: `--host` of the call, else TFE_ADDRESS, else `fallback`. A host without a scheme means https. */
export function addressOf(context: Context, command: Command, fallback = defaultAddress): string {
  const { host } = command.optsWithGlobals<{ host?: string }>();
  const asked = host ?? (context.env.TFE_ADDRESS || fallback);
  const address = (asked.includes("://") ? asked : `https://${asked}`).replace(/\/$/, "");
  if (baseUrl.safeParse(address).success) return address;
  throw new UserError(
    `"${asked}" is not an address of HCP Terraform or Terraform Enterprise.`,
    "Give a host or its https URL without a path, such as https://app.terraform.io.",
  );
}

/** The operator's client of the API at `address`, with the token from the environment or the person at the terminal. */
export async function adminAt(context: Context, address: string): Promise<HcpTerraformAdmin> {
  const token = await credential(
    context,
    "TOKEN",
    "an API token of HCP Terraform: an organization, team or user token",
  );
  const fetch = fetchTo(context, outboundAt(context, address));
  return createHcpTerraformAdmin({ address, clock: context.clock, readToken: () => Promise.resolve(token), fetch });
}

/** The id of the agent pool with exactly this name. Throws if there is none, unless `createPool` is set. */
export async function findPool(
  admin: HcpTerraformAdmin,
  organization: string,
  name: string,
  { createPool }: { readonly createPool?: true } = {},
): Promise<string> {
  const found = await admin.findAgentPool(organization, name);
  if (found) return found.id;
  if (createPool) return (await admin.createAgentPool(organization, name)).id;
  throw new UserError(
    `Organization "${organization}" has no agent pool named "${name}".`,
    "Nothing was changed. Check the name, which must match exactly. fleet hcp token create --create-pool makes a pool.",
  );
}

/** The workspaces with exactly these names. Throws an error that names all missing ones, before anything is changed. */
export async function findWorkspaces(
  admin: HcpTerraformAdmin,
  organization: string,
  names: readonly string[],
): Promise<readonly Workspace[]> {
  const found: Workspace[] = [];
  const missing: string[] = [];
  for (const name of new Set(names)) {
    const workspace = await admin.findWorkspace(organization, name);
    if (workspace) found.push(workspace);
    else missing.push(name);
  }
  if (missing.length === 0) return found;
  throw new UserError(
    `Organization "${organization}" has no workspace named ${missing.map((name) => `"${name}"`).join(", ")}.`,
    "Nothing was changed. Check the names, which must match exactly. The token must be allowed to see the workspaces.",
  );
}
