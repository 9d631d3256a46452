import { partitionOf } from "../../config/regions.ts";

/** AWS's console of each partition: each has its own domain, and signs in nobody from another. */
const consoles = {
  aws: "console.aws.amazon.com",
  "aws-us-gov": "console.amazonaws-us-gov.com",
  "aws-cn": "console.amazonaws.cn",
} as const;

/** A page of CloudWatch in AWS's console. @param page after the `#` */
function cloudWatchPage(region: string, page: string): string {
  return `https://${consoles[partitionOf(region)]}/cloudwatch/home?region=${region}#${page}`;
}

/** The page of a dashboard. @param name may be a Terraform expression */
export function dashboardPage(region: string, name: string): string {
  return cloudWatchPage(region, `dashboards:name=${name}`);
}

/** The page of a log group. The console writes `%` as `$` in the encoded name, and encodes twice. */
export function logGroupPage(region: string, name: string): string {
  const encoded = encodeURIComponent(encodeURIComponent(name)).replaceAll("%", "$");
  return cloudWatchPage(region, `logsV2:log-groups/log-group/${encoded}`);
}
