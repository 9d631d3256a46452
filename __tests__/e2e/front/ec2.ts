import { type Bridges, type Forward, withXml } from "./bridge.ts";
import type { Answer, AwsCall } from "./exchange.ts";

const ruleId = /<securityGroupRuleId>([^<]*)<\/securityGroupRuleId>/g;

/**
 * EC2. moto does not:
 *
 * - remember the description of a security group's rule that names another group; we do;
 * - distinguish the tags of a launch template from those of its instances;
 * - write the state of a subnet's IPv6 range so that it can be read;
 * - hesitate to know new instances: we refuse the first tag of each.
 *
 * @see https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
 */
export function ec2Bridges(): Bridges {
  const descriptions = new Map<string, string>();
  /** Instances that somebody has tried to tag. */
  const known = new Set<string>();

  const authorize = async ({ input }: AwsCall, forward: Forward) => {
    const answer = await forward();
    const { "IpPermissions.1.Groups.1.Description": description } = input;
    if (description === undefined) return answer;
    for (const [, id = ""] of answer.body.toString("utf8").matchAll(ruleId)) descriptions.set(id, String(description));
    return answer;
  };
  const readableRange = async (_: AwsCall, forward: Forward) =>
    withXml(await forward(), (xml) => xml.replaceAll(/<state>\{'State': '(\w+)'\}<\/state>/g, "<state>$1</state>"));

  const tag = async ({ input }: AwsCall, forward: Forward) => {
    const ids = Object.values(input).filter((value) => /^i-/.test(String(value)));
    const unknown = ids.find((id) => !known.has(String(id)));
    for (const id of ids) known.add(String(id));
    return unknown === undefined ? forward() : noInstance(unknown);
  };

  return {
    "ec2:CreateTags": tag,
    "ec2:AuthorizeSecurityGroupIngress": authorize,
    "ec2:AuthorizeSecurityGroupEgress": authorize,
    "ec2:DescribeSecurityGroupRules": async (_, forward) =>
      withXml(await forward(), (xml) =>
        xml.replaceAll(ruleId, (element, id: string) => {
          const description = descriptions.get(id);
          return description === undefined ? element : `${element}<description>${escaped(description)}</description>`;
        }),
      ),
    "ec2:DescribeLaunchTemplateVersions": async (_, forward) =>
      withXml(await forward(), (xml) =>
        xml.replaceAll(
          /<item><resourceType>launch-template<\/resourceType><tagSet>(?:(?!<\/tagSet>).)*<\/tagSet><\/item>/gs,
          "",
        ),
      ),
    "ec2:CreateSubnet": readableRange,
    "ec2:DescribeSubnets": readableRange,
  };
}

function noInstance(id: unknown): Answer {
  const message = `The instance ID '${id}' does not exist`;
  const error = `<Error><Code>InvalidInstanceID.NotFound</Code><Message>${message}</Message></Error>`;
  const xml = `<Response><Errors>${error}</Errors><RequestID>1</RequestID></Response>`;
  return { status: 400, headers: { "content-type": "text/xml" }, body: Buffer.from(xml) };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
