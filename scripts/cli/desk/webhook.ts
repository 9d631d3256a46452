import { type CloudWatchLogsClient, ResourceNotFoundException } from "@aws-sdk/client-cloudwatch-logs";
import * as z from "zod";
import { readLines } from "./log-reader.ts";

/** What the webhook's gateway refused lately. */
export interface WebhookRefusals {
  /** Since when. */
  readonly since: Date;
  /** By HTTP status: how often, and from which addresses. */
  readonly byStatus: ReadonlyMap<string, { readonly count: number; readonly addresses: ReadonlySet<string> }>;
}

const window = 15 * 60_000;

const accessLine = z.object({ status: z.string(), ip: z.string() });

/** Reads the refusals of the last 15 minutes in the gateway's access log, see stacks/constructs/functions/webhook-api.ts. */
export async function readWebhookRefusals(
  { stack, now }: { readonly stack: string; readonly now: Date },
  logs: CloudWatchLogsClient,
): Promise<WebhookRefusals> {
  const group = `/agent-fleets/${stack}/webhook-access`;
  const since = new Date(now.getTime() - window);
  const byStatus = new Map<string, { count: number; addresses: Set<string> }>();
  try {
    const pattern = '{ ($.status = "4*") || ($.status = "5*") }';
    for await (const { text } of readLines(logs, { group, since, pattern })) {
      const line = parse(text);
      if (line === undefined) continue;
      const known = byStatus.get(line.status) ?? { count: 0, addresses: new Set<string>() };
      known.count += 1;
      known.addresses.add(line.ip);
      byStatus.set(line.status, known);
    }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new Error(`the log group ${group} does not exist: the webhook is not deployed, or somebody deleted its log`);
  }
  return { since, byStatus };
}

function parse(text: string): z.output<typeof accessLine> | undefined {
  try {
    return accessLine.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
