import { Construct } from "constructs";
import { SecurityGroup } from "#provider-aws/security-group";
import { VpcEndpoint } from "#provider-aws/vpc-endpoint";
import { VpcSecurityGroupIngressRule } from "#provider-aws/vpc-security-group-ingress-rule";
import { type Endpoint, gatewayServices } from "../../config/network/vpc.ts";
import { partitionOf } from "../../config/regions.ts";
import type { StackContext } from "../stack-context.ts";

/** Services whose endpoints in China have another prefix, as AWS's CDK knows them (`aws-ec2/lib/vpc-endpoint.ts`). */
const chinese: readonly Endpoint[] = ["autoscaling", "ec2", "ecr.api", "ecr.dkr", "lambda", "sqs", "states", "sts"];

/** The name by which AWS offers a service's endpoint in a region. */
function endpointName(service: Endpoint, region: string): string {
  const prefix = partitionOf(region) === "aws-cn" && chinese.includes(service) ? "cn.com.amazonaws" : "com.amazonaws";
  return `${prefix}.${region}.${service}`;
}

/** VPC endpoints of AWS services. Interface endpoints answer under the services' own names, over HTTPS from the VPC. */
export class VpcEndpoints extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly vpcId: string;
      /** The VPC's range, which may call the endpoints. */
      readonly cidr: string;
      readonly services: readonly Endpoint[];
      /** One subnet per zone, for interface endpoints. */
      readonly subnetIds: readonly string[];
      /** Route tables that get the gateway endpoints. */
      readonly routeTableIds: readonly string[];
    },
  ) {
    super(scope, id);
    const { context, vpcId } = props;
    const isGateway = (service: Endpoint) => gatewayServices.some((name) => name === service);
    const interfaces = props.services.filter((service) => !isGateway(service));
    const securityGroup = interfaces.length > 0 ? this.securityGroup(context, vpcId, props.cidr) : undefined;
    for (const service of props.services) {
      new VpcEndpoint(this, service.replace(".", "-"), {
        vpcId,
        serviceName: endpointName(service, context.region),
        tags: { Name: `${context.name}-${service}` },
        ...(isGateway(service)
          ? { vpcEndpointType: "Gateway", routeTableIds: [...props.routeTableIds] }
          : {
              vpcEndpointType: "Interface",
              subnetIds: [...props.subnetIds],
              securityGroupIds: securityGroup && [securityGroup.id],
              privateDnsEnabled: true,
            }),
      });
    }
  }

  private securityGroup(context: StackContext, vpcId: string, cidr: string): SecurityGroup {
    const name = `${context.name}-endpoints`;
    const group = new SecurityGroup(this, "security-group", {
      name,
      description: "VPC endpoints: HTTPS from inside the VPC",
      vpcId,
      tags: { Name: name },
    });
    new VpcSecurityGroupIngressRule(this, "https", {
      securityGroupId: group.id,
      description: "HTTPS from the VPC",
      cidrIpv4: cidr,
      ipProtocol: "tcp",
      fromPort: 443,
      toPort: 443,
    });
    return group;
  }
}
