export const DELIVERY_STATES = ['all', 'pending', 'delivered', 'failed'] as const;
export type DeliveryFilter = (typeof DELIVERY_STATES)[number];

/** Reads the filter of the deliveries from the URL. */
export function readWebhookSearch({ state }: Record<string, unknown>): { state?: DeliveryFilter } {
  const known = DELIVERY_STATES.find((one) => one === state);
  return known === undefined ? {} : { state: known };
}
