import { useWindowVirtualizer } from '@tanstack/react-virtual';
import {
  type ReactNode,
  type RefObject,
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';

/** Rows that are rendered beyond the visible ones. */
const OVERSCAN = 8;

export interface VirtualRowsHandle {
  scrollTo(index: number): void;
}

interface VirtualRowsProps {
  label: string;
  count: number;
  /** Height of a row in pixels. */
  height: (index: number) => number;
  keyOf: (index: number) => string;
  /** Number of rows in all, as far as it is known; default: `count`. */
  total?: number;
  children: (index: number) => ReactNode;
  /** Called when the last rows come into view. */
  onEnd?: () => void;
  handle?: RefObject<VirtualRowsHandle | null>;
}

/** Renders a long list that scrolls with the page, of which only the visible rows are in the document. */
export function VirtualRows({ label, count, height, keyOf, total, children, onEnd, handle }: VirtualRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [scrollMargin, setScrollMargin] = useState(0);
  // The height of the elements above the list may change with every render.
  useLayoutEffect(() => {
    const top = list.current ? Math.round(list.current.getBoundingClientRect().top + window.scrollY) : 0;
    setScrollMargin(top);
  });
  const virtualizer = useWindowVirtualizer({
    count,
    estimateSize: height,
    getItemKey: keyOf,
    overscan: OVERSCAN,
    scrollMargin,
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= count - 1) onEnd?.();
  }, [last, count, onEnd]);
  useImperativeHandle(handle, () => ({ scrollTo: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }) }));
  return (
    <ul ref={list} aria-label={label} className="virtual-rows" style={{ height: virtualizer.getTotalSize() }}>
      {items.map(({ index, key, start, size }) => (
        <li
          key={key}
          aria-setsize={total ?? count}
          aria-posinset={index + 1}
          style={{ height: size, transform: `translateY(${start - scrollMargin}px)` }}
        >
          {children(index)}
        </li>
      ))}
    </ul>
  );
}
