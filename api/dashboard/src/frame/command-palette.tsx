import { useNavigate } from '@tanstack/react-router';
import { BookOpen, KeyRound, Search } from 'lucide-react';
import { useState } from 'react';
import {
  Autocomplete,
  Dialog,
  Input,
  ListBox,
  ListBoxItem,
  Modal,
  ModalOverlay,
  SearchField,
  useFilter,
} from 'react-aria-components';
import { useNavigation } from './navigation.ts';

interface CommandPaletteProps {
  isOpen: boolean;
  onOpenChange: (isOpen: boolean) => void;
}

interface Command {
  id: string;
  label: string;
  words: string;
  icon: typeof BookOpen;
  run: () => void;
}

/** Renders the command palette, which opens on Ctrl+K or ⌘K: every screen, the docs, and a search of the memories. */
export function CommandPalette({ isOpen, onOpenChange }: CommandPaletteProps) {
  const navigate = useNavigate();
  const navigation = useNavigation();
  const { contains } = useFilter({ sensitivity: 'base' });
  const [text, setText] = useState('');
  const close = () => {
    onOpenChange(false);
    setText('');
  };
  const hasMemories = navigation.some(({ to }) => to === '/memories');
  const commands: Command[] = [
    ...navigation.map(({ to, label, keywords = '', icon }) => ({
      id: to,
      label,
      words: `${label} ${keywords}`,
      icon,
      run: () => navigate({ to }),
    })),
    { id: 'docs', label: 'Docs', words: 'Docs help guides', icon: BookOpen, run: () => location.assign('/docs') },
    {
      id: 'api',
      label: 'API reference',
      words: 'API reference openapi rest',
      icon: KeyRound,
      run: () => location.assign('/docs/api'),
    },
  ];
  const query = text.trim();
  if (query && hasMemories) {
    const run = () => navigate({ to: `/memories?${new URLSearchParams({ q: query })}` });
    commands.push({ id: 'search', label: `Search memories for "${query}"`, words: query, icon: Search, run });
  }
  return (
    <ModalOverlay
      isOpen={isOpen}
      onOpenChange={(open) => (open ? onOpenChange(true) : close())}
      isDismissable
      className="overlay palette-overlay"
    >
      <Modal className="modal palette">
        <Dialog aria-label="Commands" className="palette-content">
          <Autocomplete inputValue={text} onInputChange={setText} filter={contains}>
            <SearchField aria-label="Command or search" autoFocus className="palette-field">
              <Search size={18} aria-hidden />
              <Input placeholder="Go to a screen, or search memories" />
            </SearchField>
            <ListBox
              aria-label="Commands"
              className="list-box palette-list"
              items={commands}
              renderEmptyState={() => <p className="detail">Nothing found.</p>}
              onAction={(id) => {
                commands.find((command) => command.id === id)?.run();
                close();
              }}
            >
              {({ id, label, words, icon: Icon }) => (
                <ListBoxItem id={id} textValue={words} className="list-item">
                  <Icon size={16} aria-hidden />
                  {label}
                </ListBoxItem>
              )}
            </ListBox>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
