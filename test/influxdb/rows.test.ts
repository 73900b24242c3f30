import { expect } from 'chai';
import { cellOf, RowReader } from '../../lib/influxdb/rows.js';

function read(text: string): { reader: RowReader; rows: Record<string, string>[] } {
  const reader = new RowReader();
  const rows: Record<string, string>[] = [];
  for (const line of text.split('\n')) {
    const row = reader.read(line);
    if (row) rows.push(Object.fromEntries(row.table.labels.map((label) => [label, cellOf(row, label)])));
  }
  return { reader, rows };
}

describe('Rows of annotated CSV', () => {
  it("are read by position, so that tags may be called as Flux's own columns are", () => {
    const { rows } = read(
      '#datatype,string,long,dateTime:RFC3339,double,string,string\n#group,false,false,false,false,true,true\n' +
        '#default,_result,,,,,\n,result,table,_time,_value,result,table\n,,0,2020-01-01T00:00:00Z,1,won,oak\n' +
        '\n#datatype,string,long,double,string\n,result,table,_value,error\n,,1,2,none\n',
    );
    expect(rows).to.deep.equal([
      { _time: '2020-01-01T00:00:00Z', _value: '1', result: 'won', table: 'oak' },
      { _value: '2', error: 'none' },
    ]);
  });

  it('keep commas and quotes in quoted cells', () => {
    const { rows } = read(',result,table,"a,""b""",c,d\n,,0,"x, ""y""",,"""z"""\n,,0,"",plain,"last"');
    expect(rows).to.deep.equal([
      { 'a,"b"': 'x, "y"', c: '', d: '"z"' },
      { 'a,"b"': '', c: 'plain', d: 'last' },
    ]);
  });

  it('end in an error where InfluxDB failed in the middle of an answer', () => {
    const { reader, rows } = read(
      ',result,table,_value\n,,0,1\n\n#datatype,string,string\n#group,true,true\n#default,,\n,error,reference\n,out of memory,897',
    );
    expect(rows).to.have.length(1);
    expect(reader.error).to.equal('out of memory');
  });
});
