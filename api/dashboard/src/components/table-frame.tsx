import type { ReactNode } from 'react';

/** A table that is wider than the screen scrolls by keyboard too. */
const SCROLLS = { tabIndex: 0 };

/** Renders the frame in which a wide table scrolls. `label` names it for screen readers. */
export function TableFrame({ label, children }: { label: string; children: ReactNode }) {
  return (
    <section {...SCROLLS} className="table-frame" aria-label={label}>
      {children}
    </section>
  );
}
