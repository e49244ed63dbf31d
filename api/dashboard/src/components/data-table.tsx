import type { ReactNode } from 'react';
import './data-table.css';

/** One column of a table, and the line that shows it on the card of a row. */
export interface Column<Row> {
  label: string;
  /** Returns the content of the cell, or null where the row has none: a card leaves it out. */
  value: (row: Row) => ReactNode;
  isNumber?: boolean;
  /** The column that names the row. It is the heading of the card. */
  isRowHeader?: boolean;
  /** Stands at the top right of the card, without its label. The label of actions is hidden in the table too. */
  corner?: 'state' | 'actions';
}

interface DataTableProps<Row> {
  /** Accessible name. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  /** Whether rows become cards where the table is narrow. Default: yes. */
  hasCards?: boolean;
  /** Name that the style sheet of a screen uses. */
  className?: string;
  rowClass?: (row: Row) => string | undefined;
}

/** A table that is wider than its frame scrolls by keyboard too. */
const SCROLLS = { tabIndex: 0 };
/** Browsers take a table whose display is not that of a table for plain text, unless it has its roles. */
const ROLES = {
  table: { role: 'table' },
  group: { role: 'rowgroup' },
  row: { role: 'row' },
  columnHeader: { role: 'columnheader', scope: 'col' },
  rowHeader: { role: 'rowheader', scope: 'row' },
  cell: { role: 'cell' },
};

/**
 * Renders rows as a table, and each row as a card with labels and values where the table would be too narrow. Both are
 * the same elements, laid out by the style sheet, so they read the same to screen readers.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, rows, keyOf, hasCards = true, className = '', rowClass } = props;
  return (
    <div className={hasCards ? 'card-box' : undefined}>
      <section {...SCROLLS} className="table-frame" aria-label={label}>
        <table {...ROLES.table} className={`table ${className}`} aria-label={label}>
          <thead {...ROLES.group}>
            <tr {...ROLES.row}>
              {columns.map((column) => (
                <th key={column.label} {...ROLES.columnHeader} className={classOf(column)}>
                  <span className={column.corner === 'actions' ? 'unseen' : undefined}>{column.label}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody {...ROLES.group}>
            {rows.map((row) => (
              <tr key={keyOf(row)} {...ROLES.row} className={rowClass?.(row)}>
                {columns.map((column) => (
                  <Cell key={column.label} column={column} row={row} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const value = column.value(row);
  const isEmpty = value === null || value === undefined || value === false;
  const Element = column.isRowHeader ? 'th' : 'td';
  return (
    <Element
      {...(column.isRowHeader ? ROLES.rowHeader : ROLES.cell)}
      className={`${classOf(column)} ${isEmpty ? 'empty-cell' : ''}`}
      data-label={column.label}
    >
      <div className="cell-value">{isEmpty && !column.corner ? '–' : value}</div>
    </Element>
  );
}

function classOf({ isNumber, isRowHeader, corner }: Column<never>): string {
  return [isNumber && 'number', isRowHeader && 'heading', corner && `corner ${corner}`].filter(Boolean).join(' ');
}
