import { Construct } from "constructs";
import { dependable, Lazy, type TerraformResource, TerraformStack } from "#cdktf";
import { LambdaInvocation } from "#provider-aws/lambda-invocation";
import { resourcesIn } from "../destroy-order.ts";
import type { HandlerFunction } from "./handler-function.ts";

/**
 * Keeps `destroy` from ending agents in their jobs. Terraform destroys this resource before all others of the stack, and
 * for that it asks the loop, which refuses while a machine of the fleet is left: then nothing has been touched yet.
 *
 * Neither ECS nor Auto Scaling does that for us. Deleting a cluster with tasks fails, but deleting a group ends its
 * instances: the AWS provider sets its sizes to 0 and takes the scale-in protection away from them (`drainGroup` in its
 * `internal/service/autoscaling/group.go`), after Terraform has destroyed the hook that would have waited.
 *
 * A guard of the fallback does so where a config no longer has one. Terraform then destroys the guard, the group, and
 * changes the loop last, because the loop's rights name the group: so the loop still knows the group when it is asked.
 */
export class DestroyGuard extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly loop: HandlerFunction;
      /** Left out: all resources of the stack, and with them the whole fleet. */
      readonly fallback?: readonly TerraformResource[];
    },
  ) {
    super(scope, id);
    const { fallback } = props;
    const guard = new LambdaInvocation(this, "guard", {
      functionName: props.loop.function.functionName,
      input: JSON.stringify({ source: "terraform", ...(fallback && { part: "fallback" }) }),
      lifecycleScope: "CRUD",
    });
    guard.dependsOn = Lazy.listValue({
      produce: () => (fallback ?? resourcesIn(TerraformStack.of(this), [this])).map(dependable),
    });
  }
}
