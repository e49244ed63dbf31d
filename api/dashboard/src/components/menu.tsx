import type { ReactNode } from 'react';
import { Menu as AriaMenu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { Button } from './button.tsx';

export interface MenuAction {
  id: string;
  label: string;
  run: () => void;
  isDangerous?: boolean;
  isDisabled?: boolean;
}

interface MenuProps {
  /** Accessible name of the button, such as "Actions of key CI". */
  label: string;
  /** Content of the button. */
  children: ReactNode;
  actions: readonly MenuAction[];
  variant?: 'quiet' | 'icon';
}

/** Renders a button that opens a menu of actions. */
export function Menu({ label, children, actions, variant = 'icon' }: MenuProps) {
  return (
    <MenuTrigger>
      <Button variant={variant} aria-label={label}>
        {children}
      </Button>
      <Popover className="popover">
        <AriaMenu
          className="list-box"
          items={actions}
          disabledKeys={actions.filter(({ isDisabled }) => isDisabled).map(({ id }) => id)}
          onAction={(id) => actions.find((action) => action.id === id)?.run()}
        >
          {(action) => (
            <MenuItem id={action.id} className={action.isDangerous ? 'list-item dangerous' : 'list-item'}>
              {action.label}
            </MenuItem>
          )}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}
