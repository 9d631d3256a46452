import * as z from "zod";
import { lambdaRuntimeOf } from "../../stacks/config/lambda-runtime.ts";
import { localStatePath } from "../../stacks/config/local-state.ts";

const attributes = z.record(z.string(), z.unknown());
const blocks = z.record(z.string(), z.record(z.string(), attributes));

/** The parts of cdktf's Terraform JSON that matter for fitting it to an emulator. */
const terraformJson = z.looseObject({
  terraform: z.looseObject({ required_providers: z.record(z.string(), z.looseObject({ version: z.string() })) }),
  provider: z.record(z.string(), z.array(attributes)),
  resource: blocks,
  data: blocks.optional(),
  output: z.record(z.string(), z.looseObject({ value: z.unknown() })).optional(),
  /** cdktf's own notes, such as the outputs that it shows after a deployment. */
  "//": z.looseObject({ outputs: z.record(z.string(), attributes).optional() }),
});

/** See {@link terraformJson}. */
export type TerraformJson = z.output<typeof terraformJson>;

/** A zip that we make in place of Terraform's archive provider. Paths are relative to the stack's directory. */
export interface Archive {
  readonly sourceDir: string;
  readonly outputPath: string;
}

const archiveFile = z.looseObject({ type: z.literal("zip"), source_dir: z.string(), output_path: z.string() });

/** The last AWS provider of its major version, and the oldest one that stacks must work with. */
export const awsProviderVersion = "5.100.0";

/** The options of {@link fitToEmulator}. */
export interface FitOptions {
  readonly stack: string;
  /** The providers that Terraform can install. If archive is missing, we make its zips. */
  readonly providers: "aws alone" | "all";
  /** Whether chats stay, for a stack that is not deployed. Left out: no. */
  readonly keepsChats?: boolean;
  /** Makes the zip; resolves to the base64 of its SHA-256. */
  readonly zip: (archive: Archive) => string;
}

/**
 * Fits a synthesized stack to an emulator of AWS: dummy credentials, the state in a file beside it, no missing
 * providers, a Lambda runtime that the provider knows, and nothing that no emulator has: HCP Terraform, and chats, for
 * which the provider would ask AWS itself. All else stays. Returns the types that it left out.
 */
export function fitToEmulator(
  text: string,
  options: FitOptions,
): { readonly text: string; readonly leftOut: string[] } {
  const json = terraformJson.parse(JSON.parse(text));
  const { terraform, provider } = json;
  delete terraform.cloud;
  terraform.backend = { local: { path: localStatePath(options.stack) } };
  for (const aws of provider.aws ?? []) Object.assign(aws, { access_key: "test", secret_key: "test" });

  leaveOutProvider(json, "tfe");
  const leftOut = leaveOutUnknown(json, options.keepsChats ? /^(?:data\.)?tfe_/ : unknownType);
  if (options.providers === "all") return { text: JSON.stringify(json, null, 2), leftOut };

  const aws = terraform.required_providers.aws;
  if (aws) aws.version = awsProviderVersion;
  const runtime = lambdaRuntimeOf({ providers: { aws: awsProviderVersion } });
  for (const lambda of Object.values(json.resource.aws_lambda_function ?? {})) lambda.runtime = runtime;
  leaveOutProvider(json, "archive");
  const values = replaceArchives(json, options.zip);
  return { text: JSON.stringify(replaceReferences(json, values), null, 2), leftOut };
}

function leaveOutProvider({ terraform, provider }: TerraformJson, name: string): void {
  delete terraform.required_providers[name];
  delete provider[name];
}

/** Types of resources that no emulator has. */
const unknownType = /^(?:data\.)?(?:tfe|aws_chatbot)_/;

/**
 * Only outputs may refer to resources that are left out, and `depends_on` for the order of a destroy. Otherwise this
 * would not be the shipped stack any more.
 */
function leaveOutUnknown(json: TerraformJson, unknown: RegExp): string[] {
  const leftOut: string[] = [];
  for (const [prefix, kinds] of [
    ["", json.resource],
    ["data.", json.data ?? {}],
  ] as const) {
    for (const type of Object.keys(kinds).filter((kind) => unknown.test(kind))) {
      leftOut.push(`${prefix}${type}`);
      delete kinds[type];
    }
  }
  for (const resource of Object.values(json.resource).flatMap((kind) => Object.values(kind))) {
    if (!Array.isArray(resource.depends_on)) continue;
    resource.depends_on = resource.depends_on.filter((each) => !unknown.test(each));
  }
  for (const [name, { value }] of Object.entries(json.output ?? {})) {
    if (!/\$\{[^}]*\btfe_/.test(JSON.stringify(value))) continue;
    leftOut.push(`output.${name}`);
    delete json.output?.[name];
    for (const shown of Object.values(json["//"].outputs ?? {})) delete shown[name];
  }
  return leftOut;
}

function replaceArchives(json: TerraformJson, zip: FitOptions["zip"]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, block] of Object.entries(json.data?.archive_file ?? {})) {
    const { source_dir: sourceDir, output_path: outputPath } = archiveFile.parse(block);
    values.set(`\${data.archive_file.${name}.output_path}`, outputPath);
    values.set(`\${data.archive_file.${name}.output_base64sha256}`, zip({ sourceDir, outputPath }));
  }
  delete json.data?.archive_file;
  return values;
}

function replaceReferences(value: unknown, values: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return values.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item) => replaceReferences(item, values));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceReferences(item, values)]));
}
