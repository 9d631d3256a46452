import type { Construct } from "constructs";
import { VpcSecurityGroupEgressRule } from "#provider-aws/vpc-security-group-egress-rule";
import {
  VpcSecurityGroupIngressRule,
  type VpcSecurityGroupIngressRuleConfig,
} from "#provider-aws/vpc-security-group-ingress-rule";
import { acceptFindings } from "../accepted-findings.ts";

/**
 * The rules of a cluster's security groups, each added once. AWS refuses a duplicate rule, and services that share
 * their host's network share its group.
 */
export class ClusterRules {
  private readonly known = new Set<string>();

  /** Adds an ingress rule. Adding it again changes nothing. */
  allowIn(scope: Construct, id: string, rule: VpcSecurityGroupIngressRuleConfig): void {
    if (!this.isNew("in", rule)) return;
    const { fromPort, toPort, referencedSecurityGroupId } = rule;
    const open = fromPort !== undefined && toPort !== undefined && fromPort <= 80 && toPort >= 80;
    acceptFindings(new VpcSecurityGroupIngressRule(scope, id, rule), {
      CKV_AWS_260:
        open &&
        referencedSecurityGroupId !== undefined &&
        "Members of one security group alone reach it. checkov does not read referenced_security_group_id.",
    });
  }

  /** Adds an egress rule. Adding it again changes nothing. */
  allowOut(scope: Construct, id: string, rule: VpcSecurityGroupIngressRuleConfig): void {
    if (this.isNew("out", rule)) new VpcSecurityGroupEgressRule(scope, id, rule);
  }

  private isNew(direction: "in" | "out", rule: VpcSecurityGroupIngressRuleConfig): boolean {
    const { securityGroupId, ipProtocol, fromPort, toPort, cidrIpv4, referencedSecurityGroupId } = rule;
    const key = [direction, securityGroupId, ipProtocol, fromPort, toPort, cidrIpv4, referencedSecurityGroupId].join();
    const before = this.known.size;
    return this.known.add(key).size > before;
  }
}
