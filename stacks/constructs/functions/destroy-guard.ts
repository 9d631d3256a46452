import { LambdaInvocation } from "@cdktf/provider-aws/lib/lambda-invocation";
import { dependable, Lazy, TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { resourcesIn } from "../destroy-order.ts";
import type { HandlerFunction } from "./handler-function.ts";

/**
 * Keeps `destroy` from ending agents in their jobs. Terraform destroys this resource before all others of the stack, and
 * for that it asks the loop, which refuses while a machine of the fleet is left: then nothing has been touched yet.
 *
 * Neither ECS nor Auto Scaling does that for us. Deleting a cluster with tasks fails, but deleting a group ends its
 * instances: the AWS provider sets its sizes to 0 and takes the scale-in protection away from them (`drainGroup` in its
 * `internal/service/autoscaling/group.go`), after Terraform has destroyed the hook that would have waited.
 */
export class DestroyGuard extends Construct {
  constructor(scope: Construct, id: string, props: { readonly loop: HandlerFunction }) {
    super(scope, id);
    const guard = new LambdaInvocation(this, "guard", {
      functionName: props.loop.function.functionName,
      input: JSON.stringify({ source: "terraform" }),
      lifecycleScope: "CRUD",
    });
    guard.dependsOn = Lazy.listValue({
      produce: () => resourcesIn(TerraformStack.of(this), [this]).map(dependable),
    });
  }
}
