import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps as AriaButtonProps, Link, type LinkProps } from 'react-aria-components';

type Variant = 'primary' | 'quiet' | 'danger' | 'plain' | 'icon';

interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'children'> {
  variant?: Variant;
  /** Required for a button that shows only an icon. */
  'aria-label'?: string;
  children: ReactNode;
}

/** Renders a button. While `isPending`, it cannot be pressed and shows that it works. */
export function Button({ variant = 'quiet', children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={`button ${variant}`}>
      {children}
    </AriaButton>
  );
}

/** Renders a link that looks like a button. */
export function ButtonLink({ variant = 'quiet', ...props }: Omit<LinkProps, 'className'> & { variant?: Variant }) {
  return <Link {...props} className={`button ${variant}`} />;
}
