import { admissionOf } from "./admit.ts";
import { authorize } from "./authorize.ts";
import { decodeBody } from "./decode-body.ts";
import { Published } from "./published.ts";
import type { Body, Call, Steps } from "./steps.ts";

/** Answers a question: an object that has a status at once, and is not stored. */
export async function review(steps: Steps, call: Call, given: Body): Promise<Published> {
  await authorize(steps, call, "create");
  const { namespace, resource, user } = call;
  const request = { ...admissionOf(call, "CREATE"), object: decodeBody(call, given) };
  const object = (await steps.admission.mutate(request)) ?? request.object;
  await steps.admission.validate({ ...request, object });
  const question = { user, resource, object, ...(namespace === undefined ? {} : { namespace }) };
  return Published.unsaved({ ...object, status: await steps.reviewer.answer(question) });
}
