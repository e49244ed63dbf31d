import { Callout } from '../../components/feedback.tsx';
import { formatNumber } from '../../components/format.tsx';

/** Renders the number of hits, and what limits the search at the moment. */
export function SearchRemarks({ first, shown }: { first: Parameters<typeof remarksOf>[0] | undefined; shown: number }) {
  if (!first || first.total === 0) return null;
  return (
    <>
      <p className="detail search-summary" role="status">
        {shown} of {first.total_relation === 'gte' && shown < first.total ? 'at least ' : ''}
        {formatNumber(first.total)} matches, best first.
      </p>
      {remarksOf(first).map((remark) => (
        <Callout key={remark}>{remark}</Callout>
      ))}
    </>
  );
}

interface SearchState {
  total: number;
  total_relation: 'eq' | 'gte';
  low_confidence?: true | undefined;
  embedding_pending?: true | undefined;
  retrievers: { semantic: string };
}

function remarksOf({ low_confidence, embedding_pending, retrievers }: SearchState): string[] {
  const remarks: string[] = [];
  if (low_confidence) remarks.push('None of these is a close match. Other words may find more.');
  if (embedding_pending) remarks.push('Some new memories are found by words only for the moment.');
  if (retrievers.semantic === 'loading' || retrievers.semantic === 'unavailable') {
    remarks.push('Search by meaning is not available at the moment: these are matches by words.');
  }
  return remarks;
}
