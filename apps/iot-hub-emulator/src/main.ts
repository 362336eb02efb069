#!/usr/bin/env node
import { createCommand } from './cli.js';

void createCommand().parseAsync();
