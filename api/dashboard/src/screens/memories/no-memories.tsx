import { Link } from '@tanstack/react-router';
import { Button } from '../../components/button.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { type BrowseSearch, isFiltered } from './search-params.ts';

interface NoMemoriesProps {
  search: BrowseSearch;
  isNothingStored: boolean;
  onClear: () => void;
}

/** Renders an empty list: nothing is stored, or nothing matches. */
export function NoMemories({ search, isNothingStored, onClear }: NoMemoriesProps) {
  if (!isNothingStored && isFiltered(search)) {
    return (
      <EmptyState title="No memories match" action={<Button onPress={onClear}>Clear search and filters</Button>}>
        Try other words, or fewer filters.
      </EmptyState>
    );
  }
  return (
    <EmptyState
      title="No memories yet"
      action={
        <Link to="/connect" className="button primary">
          Connect an agent
        </Link>
      }
    >
      Memories that your agents store appear here.
    </EmptyState>
  );
}
