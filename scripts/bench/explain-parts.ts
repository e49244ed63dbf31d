/** A node of a plan as `explain (analyze, format json)` returns it. */
interface PlanNode {
  'Node Type': string;
  'Subplan Name'?: string;
  'CTE Name'?: string;
  'Actual Total Time': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

/** The result of `explain (analyze, format json)`. */
interface Explained {
  Plan: PlanNode;
  'Planning Time': number;
  'Execution Time': number;
  Triggers?: { Time: number }[];
}

/**
 * Sums the time of a statement by its common table expressions. A scan of one includes the time of what it reads the first time, which
 * is subtracted: each part is charged with its own time. The rest is in `other`, and the checks of foreign keys in `foreign keys`.
 * @returns milliseconds by part
 */
export function sumPlanParts({ Plan, Triggers = [], ...total }: Explained): Map<string, number> {
  const parts = new Map<string, number>();
  const scans: { part: string; reads: string; milliseconds: number }[] = [];
  const inclusive = new Map<string, number>();
  const visit = (node: PlanNode, outer: string) => {
    const name = /^CTE (\w+)/.exec(node['Subplan Name'] ?? '')?.[1];
    const part = name ?? outer;
    if (name) inclusive.set(name, timeOf(node));
    const children = node.Plans ?? [];
    // A CTE is listed below the node that declares it, but runs when it is scanned.
    const nested = children.filter((child) => !child['Subplan Name']?.startsWith('CTE '));
    const own = timeOf(node) - nested.reduce((sum, child) => sum + timeOf(child), 0);
    if (node['CTE Name']) scans.push({ part, reads: node['CTE Name'], milliseconds: own });
    else parts.set(part, (parts.get(part) ?? 0) + Math.max(0, own));
    for (const child of children) visit(child, part);
  };
  visit(Plan, 'other');
  for (const [name, milliseconds] of inclusive) {
    const readers = scans.filter(({ reads }) => reads === name).sort((a, b) => b.milliseconds - a.milliseconds);
    const [first] = readers;
    if (first) first.milliseconds = Math.max(0, first.milliseconds - milliseconds);
  }
  for (const { part, milliseconds } of scans) parts.set(part, (parts.get(part) ?? 0) + milliseconds);
  parts.set(
    'foreign keys',
    Triggers.reduce((sum, { Time }) => sum + Time, 0),
  );
  return parts.set('whole, explained', total['Execution Time']);
}

function timeOf(node: PlanNode): number {
  return node['Actual Total Time'] * node['Actual Loops'];
}
